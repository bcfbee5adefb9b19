"""From trials to candidates, best first: repeats are averaged, divergence never wins."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean, stdev

from models.lifecycle import State, StopReason
from models.monitor import Mode
from models.trial import TrialResult


@dataclass(frozen=True, slots=True)
class Scored:
    """The repeats of one setting.

    Attributes:
        score: mean of the repeats' scores; None when none has one, or when any repeat diverged: a
            setting that diverges for one seed in three cannot be trusted with the next.
        standard_deviation: of the same, with n - 1; None for fewer than two.
    """

    results: tuple[TrialResult, ...]
    score: float | None
    standard_deviation: float | None


def ranked(results: Sequence[TrialResult], mode: Mode) -> tuple[Scored, ...]:
    """The candidates, best first; those without a score last, in the order they were proposed.

    One of which a repeat was pruned comes after all that were trained to their end: it was cut
    because it was behind, and nobody knows what it would have come to.
    """
    ordered = sorted(results, key=lambda result: (result.candidate, result.repeat))
    candidates = [
        _scored(tuple(group)) for _, group in groupby(ordered, key=lambda result: result.candidate)
    ]
    sign = 1 if mode == "min" else -1

    def place(scored: Scored) -> tuple[bool, bool, float]:
        if scored.score is None:
            return True, False, math.inf
        pruned = any(result.stop_reason is StopReason.PRUNED for result in scored.results)
        return False, pruned, sign * scored.score

    return tuple(sorted(candidates, key=place))


def counts(result: TrialResult) -> bool:
    """Whether a trial's score says something of its setting.

    Not that of one that was cancelled or failed: it has no network to hand out, however well it
    began.
    """
    over = result.state.is_terminal and result.state is not State.SUCCEEDED
    return result.score is not None and not over


def _scored(results: tuple[TrialResult, ...]) -> Scored:
    scores = [result.score for result in results if counts(result) and result.score is not None]
    diverged = any(result.stop_reason is StopReason.DIVERGED for result in results)
    if not scores or diverged:
        return Scored(results, None, None)
    return Scored(results, fmean(scores), stdev(scores) if len(scores) > 1 else None)
