"""The trials of one setting together: what strategies, rankings and sentences read of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from statistics import fmean, stdev

from pydantic import JsonValue

from models.lifecycle import State, StopReason
from models.trial import TrialResult


@dataclass(frozen=True)
class Candidate:
    """A setting with its repeats.

    Attributes:
        trials: one or more, by repeat.
    """

    trials: tuple[TrialResult, ...]

    @property
    def number(self) -> int:
        """Which setting of the search it is, from 0."""
        return self.trials[0].candidate

    @property
    def setting(self) -> Mapping[str, JsonValue]:
        """What differs from the others, for people."""
        return self.trials[0].setting

    @property
    def changes(self) -> Mapping[str, JsonValue]:
        """The same as dotted spec paths and values."""
        return self.trials[0].changes

    @property
    def parameters(self) -> int:
        """Of its network."""
        return self.trials[0].parameters

    @property
    def over(self) -> bool:
        """Whether all of its trials are."""
        return all(trial.state.is_terminal for trial in self.trials)

    @property
    def diverged(self) -> bool:
        """Whether one of its trials did."""
        return any(trial.stop_reason is StopReason.DIVERGED for trial in self.trials)

    @property
    def pruned(self) -> bool:
        """Whether one of its trials was, so that nobody knows what it would have come to."""
        return any(trial.stop_reason is StopReason.PRUNED for trial in self.trials)

    @property
    def whole(self) -> bool:
        """Whether it has a score that was not cut short."""
        return self.score is not None and not self.pruned

    @cached_property
    def scored(self) -> tuple[TrialResult, ...]:
        """The trials whose scores say something of the setting.

        Not those that were cancelled or failed: they have no network to hand out, however well they
        began.
        """
        return tuple(
            trial
            for trial in self.trials
            if trial.score is not None
            and (trial.state is State.SUCCEEDED or not trial.state.is_terminal)
        )

    @cached_property
    def scores(self) -> Mapping[int, float]:
        """Repeat -> score of those."""
        return {trial.repeat: trial.score for trial in self.scored if trial.score is not None}

    @cached_property
    def score(self) -> float | None:
        """Mean of the scores; None when there is none, or when a trial diverged.

        A setting that diverges for one seed in three cannot be trusted with the next.
        """
        return fmean(self.scores.values()) if self.scores and not self.diverged else None

    @cached_property
    def standard_deviation(self) -> float | None:
        """Of the scores, with n - 1; None for fewer than two, and without a score."""
        many = self.score is not None and len(self.scores) > 1
        return stdev(self.scores.values()) if many else None


def gathered(results: Sequence[TrialResult]) -> tuple[Candidate, ...]:
    """The candidates by number, in the order in which they were proposed."""
    ordered = sorted(results, key=lambda result: (result.candidate, result.repeat))
    return tuple(
        Candidate(tuple(trials))
        for _, trials in groupby(ordered, key=lambda result: result.candidate)
    )
