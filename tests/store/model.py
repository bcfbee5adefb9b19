"""A plain model of experiments and their trials: what the store's verbs must come to.

No database and no SQL, nothing but Python; `facts` says what the rows must say.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from models.lifecycle import HELD, State, StopReason
from store.checkpoints import KEPT
from store.leases import MAX_CRASHES


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFacts:
    """What there is to know of a trial.

    Attributes:
        worker: who holds it; None when nobody does.
        best: the best value and its epoch.
        epochs: epoch and the attempt that wrote it, in order.
        attempts: worker and outcome of each, in order; the outcome of one that goes on is None.
        checkpoints: attempt and epoch of each, the newest first.
    """

    number: int
    state: State
    attempt: int
    crashes: int
    worker: str | None
    stop_reason: StopReason | None
    best: tuple[float, int] | None
    epochs: tuple[tuple[int, int], ...]
    attempts: tuple[tuple[str, str | None], ...]
    checkpoints: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ExperimentFacts:
    """What there is to know of an experiment."""

    state: State
    trials: tuple[TrialFacts, ...]


@dataclass(slots=True)
class Trial:
    """A trial as it must be.

    Attributes:
        overdue: its lease has run out.
        epochs: epoch -> the attempt that wrote it, and the value it reached.
        checkpoints: attempt and epoch of each, the newest first.
        resumed: the epoch after which the attempt that goes on began.
        at: the last epoch that it has trained.
    """

    number: int
    state: State = State.QUEUED
    crashes: int = 0
    overdue: bool = False
    stop_reason: StopReason | None = None
    epochs: dict[int, tuple[int, float]] = field(default_factory=dict)
    attempts: list[tuple[str, str | None]] = field(default_factory=list)
    checkpoints: list[tuple[int, int]] = field(default_factory=list)
    resumed: int = 0
    at: int = 0

    @property
    def attempt(self) -> int:
        return len(self.attempts)

    @property
    def is_held(self) -> bool:
        return self.state in HELD

    def claim(self, worker: str, resume: int) -> None:
        self.state, self.overdue = State.RUNNING, False
        self.attempts.append((worker, None))
        self.resumed = self.at = resume

    def write(self, values: Sequence[float]) -> None:
        for value in values:
            self.at += 1
            self.epochs[self.at] = (self.attempt, value)

    def keep(self) -> list[tuple[int, int]]:
        """Keep a checkpoint of the last epoch; gives those that are superfluous then."""
        newest = (self.attempt, self.at)
        found = [newest, *(one for one in self.checkpoints if one != newest)]
        self.checkpoints = found[:KEPT]
        return found[KEPT:]

    def finish(self, state: State, stop_reason: StopReason) -> None:
        """What the last attempt did not train again is not its own: it is forgotten."""
        own = [epoch for epoch, (attempt, _) in self.epochs.items() if attempt == self.attempt]
        if last := max([*own, self.resumed]):
            self.epochs = {e: written for e, written in self.epochs.items() if e <= last}
        if self.state is State.CANCELLING:
            state, stop_reason = State.CANCELLED, StopReason.CANCELLED
        self.end(state, stop_reason)

    def crash(self, outcome: str, stop_reason: StopReason) -> None:
        self.crashes += 1
        if self.state is State.RUNNING and self.crashes >= MAX_CRASHES:
            self.end(State.FAILED, stop_reason)
        else:
            self.give_up(outcome)

    def give_up(self, outcome: str) -> None:
        over = self.state is State.CANCELLING
        self._leave(State.CANCELLED if over else State.QUEUED, outcome)
        self.stop_reason = StopReason.CANCELLED if over else None

    def end(self, state: State, stop_reason: StopReason) -> None:
        self._leave(state, stop_reason)
        self.stop_reason = stop_reason

    def cancel(self) -> None:
        if self.state is State.QUEUED:
            self.state, self.stop_reason = State.CANCELLED, StopReason.CANCELLED
            self.checkpoints.clear()
        elif self.state is State.RUNNING:
            self.state = State.CANCELLING

    def facts(self) -> TrialFacts:
        return TrialFacts(
            number=self.number,
            state=self.state,
            attempt=self.attempt,
            crashes=self.crashes,
            worker=self.attempts[-1][0] if self.is_held else None,
            stop_reason=self.stop_reason,
            best=self._best(),
            epochs=tuple((epoch, self.epochs[epoch][0]) for epoch in sorted(self.epochs)),
            attempts=tuple(self.attempts),
            checkpoints=tuple(self.checkpoints),
        )

    def _leave(self, state: State, outcome: str) -> None:
        self.state, self.overdue = state, False
        if state.is_terminal:
            self.checkpoints.clear()
        self.attempts[-1] = (self.attempts[-1][0], str(outcome))

    def _best(self) -> tuple[float, int] | None:
        if self.stop_reason is StopReason.DIVERGED:
            return None
        finite = [(value, e) for e, (_, value) in self.epochs.items() if math.isfinite(value)]
        return min(finite, default=None)


@dataclass(slots=True)
class Experiment:
    """An experiment as it must be.

    Attributes:
        to_come: trials that its search adds when those before are over.
    """

    id: str
    places: int
    priority: int
    trials: list[Trial]
    to_come: int
    state: State = State.QUEUED

    def advance(self) -> None:
        """Take its next step."""
        over = all(trial.state.is_terminal for trial in self.trials)
        if self.state.is_terminal or not over:
            return
        if self.state is State.CANCELLING:
            self.state = State.CANCELLED
        elif self.to_come:
            first = len(self.trials) + 1
            self.trials += [Trial(number) for number in range(first, first + self.to_come)]
            self.to_come = 0
        else:
            self.state = self._last_state()

    def cancel(self) -> None:
        """One that has begun still needs its conclusion, so its next step ends it."""
        if self.state.is_terminal:
            return
        for trial in self.trials:
            trial.cancel()
        self.state = State.CANCELLED if self.state is State.QUEUED else State.CANCELLING

    def facts(self) -> ExperimentFacts:
        return ExperimentFacts(self.state, tuple(trial.facts() for trial in self.trials))

    def _last_state(self) -> State:
        facts = [trial.facts() for trial in self.trials]
        if any(trial.state is State.SUCCEEDED and trial.best for trial in facts):
            return State.SUCCEEDED
        only_cancelled = all(trial.state is State.CANCELLED for trial in facts)
        return State.CANCELLED if only_cancelled else State.FAILED


@dataclass(slots=True)
class Model:
    """All experiments, in the order in which they were submitted."""

    experiments: dict[str, Experiment] = field(default_factory=dict)

    def all_trials(self) -> Iterator[tuple[Experiment, Trial]]:
        for experiment in self.experiments.values():
            for trial in experiment.trials:
                yield experiment, trial

    def held(self) -> list[tuple[Experiment, Trial]]:
        return [pair for pair in self.all_trials() if pair[1].is_held]

    def next_to_claim(self) -> tuple[Experiment, Trial] | None:
        """The oldest queued trial of the most urgent, then oldest experiment with a free place."""
        by_urgency = sorted(self.experiments.values(), key=lambda one: -one.priority)
        for experiment in by_urgency:
            queued = [trial for trial in experiment.trials if trial.state is State.QUEUED]
            held = sum(trial.is_held for trial in experiment.trials)
            is_open = experiment.state in {State.QUEUED, State.RUNNING}
            if is_open and queued and held < experiment.places:
                return experiment, queued[0]
        return None

    def facts(self) -> dict[str, ExperimentFacts]:
        return {experiment.id: experiment.facts() for experiment in self.experiments.values()}
