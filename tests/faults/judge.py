"""Says what was lost: compares everything that was accepted with the undisturbed trainings.

It reads the rows, the files, the history, what clients were shown, and what the database's own
triggers wrote down. Everything that it finds wrong is named, not only counted.
"""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from sqlalchemy import func, select

from api import trial_health
from models.lifecycle import TRIAL_MOVES, State, StopReason
from models.tables.datasets import ArtifactKind, ArtifactRow
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from models.views.experiment import EventView
from models.views.trial import EpochView, TrialView
from store import epochs, events, trainings, trials
from store.artifacts import LocalArtifacts
from store.database import Database
from store.keys import network as network_key
from tests.faults import audit
from tests.faults.client import Accepted, SeenEpoch, SeenTrial, seen_health
from tests.faults.reference import Reference, References, weights_hash
from worker.collect import Collector

OWNER = "local"
EVERYTHING = 1_000_000
# Outcomes of an attempt that was not allowed to end as it wished.
CRASHES = {"expired", StopReason.WORKER_LOST, StopReason.OUT_OF_MEMORY}
LEGAL: set[tuple[State | None, State]] = {
    (None, State.QUEUED),
    *((source, target) for (source, _), target in TRIAL_MOVES.items()),
}
STATES = {f"trial.{state}": state for state in State}


@dataclass(slots=True)
class Verdict:
    """What became of the trials that were accepted; `is_clean` says what has to be zero.

    Attributes:
        silences: seconds from the last epoch of an attempt that crashed to the first of the next.
        resumes: seconds from the end of such an attempt, as the service noticed it, to there.
    """

    accepted: int = 0
    finished: int = 0
    cancelled: int = 0
    given_up: int = 0
    """Failed as worker_lost, after three crashes, as is promised."""
    failed: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    experiments_doubled: int = 0
    epochs: int = 0
    epochs_missing: int = 0
    epochs_wrong: int = 0
    weights_differ: int = 0
    health_differs: int = 0
    """Trials of which other things were measured, found or checked than undisturbed."""
    stale_writes: int = 0
    illegal_histories: int = 0
    unexpected_answers: int = 0
    files_collected: int = 0
    """Files of killed writers that no row named, which the collector removes."""
    files_left_over: int = 0
    attempts: int = 0
    crashes: int = 0
    epochs_trained_again: int = 0
    resumes: list[float] = field(default_factory=list)
    silences: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, missing, doubled, different or let in."""
        return not (
            self.lost
            or self.failed
            or self.experiments_doubled
            or self.epochs_missing
            or self.epochs_wrong
            or self.weights_differ
            or self.health_differs
            or self.stale_writes
            or self.illegal_histories
            or self.unexpected_answers
            or self.files_left_over
        )

    @property
    def slowest_resume(self) -> float:
        """In seconds; 0 where nothing crashed."""
        return max(self.resumes, default=0.0)

    @property
    def usual_resume(self) -> float:
        """The median, in seconds."""
        return median(self.resumes) if self.resumes else 0.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the service has of one trial at the end."""

    view: TrialView
    epochs: Sequence[SeenEpoch]


class Judge:
    """Judges a service at rest.

    Args:
        database: of it.
        store: the folder of its artifacts.
        references: what every trial should have come to.
    """

    def __init__(self, database: Database, store: Path, references: References) -> None:
        self._database = database
        self._store = store
        self._references = references

    def judge(self, accepted: Sequence[Accepted], unexpected: Counter[str]) -> Verdict:
        """Look at everything."""
        verdict = Verdict(unexpected_answers=unexpected.total())
        verdict.notes += [f"answered {what} {count} times" for what, count in unexpected.items()]
        for experiment in accepted:
            self._experiment(experiment, verdict)
        self._doubles(accepted, verdict)
        stale = audit.stale_writes(self._database)
        verdict.stale_writes = len(stale)
        verdict.notes += [f"stale write {write}" for write in stale]
        unnamed = self.left_over()
        self._collect()
        left = self.left_over()
        verdict.files_collected = len(unnamed) - len(left)
        verdict.files_left_over = len(left)
        verdict.notes += [f"left over: {name}" for name in left]
        self._times(accepted, verdict)
        return verdict

    def _collect(self) -> None:
        """What the control worker does now and then; at rest no file is too young to be judged."""
        Collector(
            database=self._database,
            artifacts=LocalArtifacts(self._store),
            drain=threading.Event(),
            age=0.0,
        ).collect()

    def left_over(self) -> list[str]:
        """Checkpoints that are still kept though all is over, and files that no row names."""
        with self._database.snapshot() as tx:
            rows = tx.execute(select(ArtifactRow.key, ArtifactRow.kind)).all()
        checkpoints = [key for key, kind in rows if kind is ArtifactKind.CHECKPOINT]
        named = {key for key, _ in rows}
        files = (path for path in (self._store / "experiments").rglob("*") if path.is_file())
        keys = (str(path.relative_to(self._store)) for path in files)
        return sorted({*checkpoints, *(key for key in keys if key not in named)})

    def _experiment(self, experiment: Accepted, verdict: Verdict) -> None:
        history = self._history(experiment.id)
        for seen in experiment.trials:
            verdict.accepted += 1
            name = f"{experiment.id}/{seen.number} ({experiment.order.recipe})"
            kept = self._kept(experiment.id, seen.number)
            reference = self._references[
                experiment.order.recipe, experiment.order.seed + seen.number - 1
            ]
            problems = [
                *self._ending(experiment, kept, verdict),
                *_epochs(kept, seen, reference, verdict),
                *self._weights(experiment.id, kept, reference, verdict),
                *self._health(experiment.id, kept, reference, verdict),
            ]
            walk = [event for event in history if event.trial == seen.number]
            illegal = [*_walk(walk), *_attempts(kept.view)]
            verdict.illegal_histories += bool(illegal)
            verdict.notes += [f"{name}: {problem}" for problem in (*problems, *illegal)]
        numbers = [event.number for event in history]
        if numbers != list(range(1, len(numbers) + 1)):
            verdict.illegal_histories += 1
            verdict.notes.append(f"{experiment.id}: events are numbered {numbers}")

    def _ending(self, experiment: Accepted, kept: _Kept, verdict: Verdict) -> Iterator[str]:
        trial = kept.view
        match trial.state:
            case State.SUCCEEDED:
                verdict.finished += 1
            case State.CANCELLED if experiment.order.cancel_after is not None:
                verdict.cancelled += 1
            case State.FAILED if trial.stop_reason is StopReason.WORKER_LOST:
                verdict.given_up += 1
                yield f"was given up: {trial.error.detail if trial.error else ''}"
            case State.FAILED:
                verdict.failed[f"{trial.stop_reason}"] += 1
                yield f"failed: {trial.error.detail if trial.error else trial.stop_reason}"
            case _:
                verdict.lost += 1
                yield f"is {trial.state} at the end"

    def _weights(
        self, experiment_id: str, kept: _Kept, reference: Reference, verdict: Verdict
    ) -> Iterator[str]:
        if kept.view.state is not State.SUCCEEDED:
            return
        key = network_key(experiment_id, kept.view.number, kept.view.attempts[-1].number)
        path = self._store / key
        if not path.is_file() or weights_hash(path.read_bytes()) != reference.weights:
            verdict.weights_differ += 1
            yield f"{key} has other weights" if path.is_file() else f"{key} is not there"

    def _health(
        self, experiment_id: str, kept: _Kept, reference: Reference, verdict: Verdict
    ) -> Iterator[str]:
        if kept.view.state is not State.SUCCEEDED or reference.health is None:
            return
        number = kept.view.number
        with self._database.snapshot() as tx:
            training = trainings.get(tx, owner=OWNER, experiment_id=experiment_id, number=number)
        seen = seen_health(trial_health.view(experiment_id, training).model_dump(mode="json"))
        if seen != reference.health:
            verdict.health_differs += 1
            yield f"its health is {_first_difference(seen, reference.health)}"

    def _doubles(self, accepted: Sequence[Accepted], verdict: Verdict) -> None:
        """An order that was POSTed again because its answer was lost must not run twice."""
        wanted = {one.order.key for one in accepted}
        with self._database.snapshot() as tx:
            names = Counter(tx.scalars(select(ExperimentRow.name)))
        doubled = {name: count for name, count in names.items() if count > 1 and name in wanted}
        verdict.experiments_doubled = sum(doubled.values()) - len(doubled)
        verdict.notes += [f"{name} is there {count} times" for name, count in doubled.items()]

    def _times(self, accepted: Sequence[Accepted], verdict: Verdict) -> None:
        wanted = {one.id for one in accepted}
        with self._database.snapshot() as tx:
            ids = {
                (experiment, number): key
                for key, experiment, number in tx.execute(
                    select(TrialRow.id, TrialRow.experiment_id, TrialRow.number)
                )
            }
            verdict.crashes = tx.scalar(select(func.sum(TrialRow.crashes))) or 0
        writes = {(one.trial_id, one.attempt): one for one in audit.first_writes(self._database)}
        for (experiment, number), trial_id in ids.items():
            if experiment not in wanted:
                continue
            view = self._view(experiment, number)
            verdict.attempts += len(view.attempts)
            trained = sum(one.epochs for (trial, _), one in writes.items() if trial == trial_id)
            verdict.epochs_trained_again += trained - view.epochs
            for before, after in zip(view.attempts, view.attempts[1:], strict=False):
                first = writes.get((trial_id, after.number))
                last = writes.get((trial_id, before.number))
                if before.outcome not in CRASHES or before.ended_at is None or first is None:
                    continue
                verdict.resumes.append(first.first - before.ended_at.timestamp())
                if last is not None:
                    verdict.silences.append(first.first - last.last)

    def _kept(self, experiment_id: str, number: int) -> _Kept:
        with self._database.snapshot() as tx:
            rows = epochs.after(
                tx,
                owner=OWNER,
                experiment_id=experiment_id,
                number=number,
                after=0,
                limit=EVERYTHING,
            ).data
        return _Kept(self._view(experiment_id, number), [_seen(row) for row in rows])

    def _view(self, experiment_id: str, number: int) -> TrialView:
        with self._database.snapshot() as tx:
            return trials.get(tx, owner=OWNER, experiment_id=experiment_id, number=number)

    def _history(self, experiment_id: str) -> Sequence[EventView]:
        with self._database.snapshot() as tx:
            return events.after(
                tx, owner=OWNER, experiment_id=experiment_id, after=0, limit=EVERYTHING
            ).data


def _first_difference(one: str, other: str) -> str:
    """Where two texts begin to differ, with what stands around it."""
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    around = slice(max(0, at - 80), at + 80)
    return f"…{one[around]}…, not …{other[around]}…"


def _seen(row: EpochView) -> SeenEpoch:
    return SeenEpoch(row.epoch, tuple(sorted(row.metrics.items())), row.learning_rate)


def _epochs(kept: _Kept, seen: SeenTrial, reference: Reference, verdict: Verdict) -> Iterator[str]:
    """All epochs, each once and as undisturbed; of a trial that did not succeed, the first ones."""
    wanted = {row.epoch: row for row in reference.epochs}
    last = (
        len(wanted)
        if kept.view.state is State.SUCCEEDED
        else max((row.epoch for row in kept.epochs), default=0)
    )
    verdict.epochs += last
    for who, rows in (("kept", kept.epochs), ("shown", seen.epochs)):
        counted = Counter(row.epoch for row in rows)
        if missing := set(range(1, last + 1)) - set(counted):
            verdict.epochs_missing += len(missing)
            yield f"epochs {sorted(missing)} are not {who}"
        doubled = [epoch for epoch, count in counted.items() if count > 1]
        other = [row.epoch for row in rows if wanted.get(row.epoch) != row]
        if doubled or other:
            verdict.epochs_wrong += len(doubled) + len(other)
            yield f"epochs {who} twice {doubled}, with other values {other}"


def _walk(history: Sequence[EventView]) -> Iterator[str]:
    """The states that events tell of have to follow each other as the lifecycle allows."""
    state: State | None = None
    attempt = 0
    for event in history:
        reached = STATES.get(event.kind)
        if reached is None:
            continue
        if (state, reached) not in LEGAL:
            yield f"event {event.number}: {state} became {reached}"
        if reached is State.RUNNING:
            attempt += 1
        if (event.attempt or 0) != attempt:
            yield f"event {event.number} is of attempt {event.attempt}, not {attempt}"
        state = reached


def _attempts(trial: TrialView) -> Iterator[str]:
    """One after the other, never two at a time."""
    numbers = [attempt.number for attempt in trial.attempts]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"attempts are numbered {numbers}"
    for before, after in zip(trial.attempts, trial.attempts[1:], strict=False):
        if before.ended_at is None or before.ended_at > after.started_at:
            yield f"attempt {after.number} began before {before.number} ended"
    if trial.is_terminal and any(attempt.ended_at is None for attempt in trial.attempts):
        yield "an attempt never ended"
