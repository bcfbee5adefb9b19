"""What a database's rows say, in the words of the model, and what its events tell."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from models.lifecycle import EXPERIMENT_MOVES, HELD, TRIAL_MOVES, State
from models.tables.datasets import ArtifactKind, ArtifactRow
from models.tables.experiments import EventRow, ExperimentRow
from models.tables.trials import AttemptRow, EpochRow, TrialRow
from store.checkpoints import KEPT
from tests.store.model import ExperimentFacts, TrialFacts

# Built once: they are asked after every step.
_TRIALS = select(
    TrialRow.id,
    TrialRow.experiment_id,
    TrialRow.number,
    TrialRow.state,
    TrialRow.attempt,
    TrialRow.crashes,
    TrialRow.worker,
    TrialRow.stop_reason,
    TrialRow.best_value,
    TrialRow.best_epoch,
    TrialRow.epochs_done,
    TrialRow.lease_until,
    TrialRow.finished_at,
).order_by(TrialRow.number)
_EXPERIMENTS = select(ExperimentRow.id, ExperimentRow.state, ExperimentRow.finished_at)
_EPOCHS = select(EpochRow.trial_id, EpochRow.epoch, EpochRow.attempt).order_by(EpochRow.epoch)
_ATTEMPTS = select(
    AttemptRow.trial_id,
    AttemptRow.number,
    AttemptRow.worker,
    AttemptRow.outcome,
    AttemptRow.ended_at,
).order_by(AttemptRow.number)
_CHECKPOINTS = (
    select(ArtifactRow.experiment_id, ArtifactRow.trial, ArtifactRow.attempt, ArtifactRow.epoch)
    .where(ArtifactRow.kind == ArtifactKind.CHECKPOINT)
    .order_by(ArtifactRow.attempt.desc(), ArtifactRow.epoch.desc())
)
_NEWEST_EVENTS = select(EventRow.experiment_id, func.max(EventRow.number)).group_by(
    EventRow.experiment_id
)
_EVENTS = (
    select(EventRow)
    .where(
        EventRow.experiment_id == bindparam("experiment_id"), EventRow.number > bindparam("last")
    )
    .order_by(EventRow.number)
)

_TRIAL_STEPS = {(source, target) for (source, _), target in TRIAL_MOVES.items()}
_EXPERIMENT_STEPS = {(source, target) for (source, _), target in EXPERIMENT_MOVES.items()}


def facts(tx: Session) -> dict[str, ExperimentFacts]:
    """Everything that there is, read from the rows; with what must hold of each row."""
    trials = defaultdict(list)
    epochs, attempts, checkpoints = _epochs(tx), _attempts(tx), _checkpoints(tx)
    for row in tx.execute(_TRIALS):
        assert (row.lease_until is not None) is (row.state in HELD)
        assert (row.finished_at is not None) is row.state.is_terminal
        assert row.epochs_done == len(epochs[row.id])
        has_best = row.best_value is not None and row.best_epoch is not None
        trials[row.experiment_id].append(
            TrialFacts(
                number=row.number,
                state=row.state,
                attempt=row.attempt,
                crashes=row.crashes,
                worker=row.worker,
                stop_reason=row.stop_reason,
                best=(row.best_value, row.best_epoch) if has_best else None,
                epochs=tuple(epochs[row.id]),
                attempts=tuple(attempts[row.id]),
                checkpoints=tuple(checkpoints[row.experiment_id, row.number]),
            )
        )
    experiments = tx.execute(_EXPERIMENTS).all()
    assert all((row.finished_at is not None) is row.state.is_terminal for row in experiments)
    return {row.id: ExperimentFacts(row.state, tuple(trials[row.id])) for row in experiments}


@dataclass(slots=True)
class Told:
    """What the events of one experiment have told so far.

    Attributes:
        trials: states; one that was not spoken of yet is queued.
        holders: of the trials that are held: attempt and worker.
    """

    last: int = 0
    state: State = State.QUEUED
    trials: dict[int, State] = field(default_factory=dict)
    holders: dict[int, tuple[int, str]] = field(default_factory=dict)

    def follow(self, event: EventRow) -> None:
        """Follow one event; it must be the next, and follow from what was told before."""
        assert event.number == self.last + 1
        assert event.reason
        self.last = event.number
        noun, _, name = event.kind.partition(".")
        if noun == "experiment":
            assert event.number == 1 or (self.state, State(name)) in _EXPERIMENT_STEPS
            self.state = State(name)
        else:
            self._follow_trial(event, State(name))

    def _follow_trial(self, event: EventRow, target: State) -> None:
        number = event.trial
        assert number is not None
        is_new = number not in self.trials and target is State.QUEUED
        source = self.trials.get(number, State.QUEUED)
        assert is_new or (source, target) in _TRIAL_STEPS, event.kind
        if target is State.RUNNING:
            before, _ = self.holders.get(number, (0, ""))
            assert event.attempt == before + 1
            assert event.worker is not None
            self.holders[number] = (event.attempt, event.worker)
        elif source in HELD:
            assert (event.attempt, event.worker) == self.holders[number]
        self.trials[number] = target


@dataclass(slots=True)
class History:
    """Follows the events of all experiments."""

    told: dict[str, Told] = field(default_factory=lambda: defaultdict(Told))

    def follow(self, tx: Session, now: dict[str, ExperimentFacts]) -> None:
        """Read what is new; afterwards what was told must be what the rows say."""
        newest = dict(tx.execute(_NEWEST_EVENTS).all())
        for experiment_id, experiment in now.items():
            told = self.told[experiment_id]
            if newest[experiment_id] != told.last:
                for event in _events_after(tx, experiment_id, told.last):
                    told.follow(event)
            assert told.state is experiment.state
            for trial in experiment.trials:
                assert told.trials.get(trial.number, State.QUEUED) is trial.state


def _events_after(tx: Session, experiment_id: str, last: int) -> Iterator[EventRow]:
    yield from tx.scalars(_EVENTS, {"experiment_id": experiment_id, "last": last})


def _epochs(tx: Session) -> dict[int, list[tuple[int, int]]]:
    found = defaultdict(list)
    for trial_id, epoch, attempt in tx.execute(_EPOCHS):
        found[trial_id].append((epoch, attempt))
    for epochs in found.values():
        assert [epoch for epoch, _ in epochs] == list(range(1, len(epochs) + 1))
    return found


def _checkpoints(tx: Session) -> dict[tuple[str, int], list[tuple[int, int]]]:
    found = defaultdict(list)
    for experiment_id, trial, attempt, epoch in tx.execute(_CHECKPOINTS):
        assert epoch is not None
        found[experiment_id, trial].append((attempt, epoch))
    assert all(len(checkpoints) <= KEPT for checkpoints in found.values())
    return found


def _attempts(tx: Session) -> dict[int, list[tuple[str, str | None]]]:
    found = defaultdict(list)
    for row in tx.execute(_ATTEMPTS):
        found[row.trial_id].append((row.worker, row.outcome))
        assert row.number == len(found[row.trial_id])
        assert (row.ended_at is None) is (row.outcome is None)
    return found
