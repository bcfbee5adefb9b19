"""From trials to candidates, best first: repeats are averaged, divergence never wins."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean, stdev

from models.lifecycle import StopReason
from models.monitor import Mode
from models.trial import TrialResult
from models.views.comparison import Candidate, Comparison

Curves = Mapping[int, Sequence[Mapping[str, float | None]]]
"""Trial number -> the metrics of its epochs 1, 2, …"""


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
    """The candidates, best first; those without a score last, in the order they were proposed."""
    ordered = sorted(results, key=lambda result: (result.candidate, result.repeat))
    candidates = [
        _scored(tuple(group)) for _, group in groupby(ordered, key=lambda result: result.candidate)
    ]
    sign = 1 if mode == "min" else -1
    return tuple(
        sorted(
            candidates,
            key=lambda scored: math.inf if scored.score is None else sign * scored.score,
        )
    )


def compare(
    results: Sequence[TrialResult], curves: Curves, *, metric: str, mode: Mode
) -> Comparison:
    """All candidates with their mean curves, aligned by epoch."""
    longest = max((len(curves.get(result.number, ())) for result in results), default=0)
    return Comparison(
        metric=metric,
        mode=mode,
        epochs=tuple(range(1, longest + 1)),
        candidates=tuple(
            _candidate(scored, rank, curves, longest)
            for rank, scored in enumerate(ranked(results, mode), start=1)
        ),
    )


def _scored(results: tuple[TrialResult, ...]) -> Scored:
    scores = [result.score for result in results if result.score is not None]
    diverged = any(result.stop_reason is StopReason.DIVERGED for result in results)
    if not scores or diverged:
        return Scored(results, None, None)
    return Scored(results, fmean(scores), stdev(scores) if len(scores) > 1 else None)


def _candidate(scored: Scored, rank: int, curves: Curves, longest: int) -> Candidate:
    results = scored.results
    best_epochs = [result.best_epoch for result in results if result.best_epoch is not None]
    return Candidate(
        rank=rank if scored.score is not None else None,
        setting=dict(results[0].setting),
        trials=tuple(result.number for result in results),
        states=tuple(result.state for result in results),
        stop_reasons=tuple(result.stop_reason for result in results if result.stop_reason),
        score=scored.score,
        standard_deviation=scored.standard_deviation,
        best_epoch=fmean(best_epochs) if best_epochs else None,
        epochs=fmean(result.epochs for result in results),
        parameters=results[0].parameters,
        seconds=fmean(result.seconds for result in results),
        curves=_mean_curves([curves.get(result.number, ()) for result in results], longest),
    )


def _mean_curves(
    repeats: Sequence[Sequence[Mapping[str, float | None]]], longest: int
) -> dict[str, tuple[float | None, ...]]:
    """At each epoch the mean over the repeats that trained it; None where none has a number."""
    names = sorted({name for epochs in repeats for metrics in epochs for name in metrics})

    def mean_at(name: str, epoch: int) -> float | None:
        values = [epochs[epoch].get(name) for epochs in repeats if epoch < len(epochs)]
        present = [value for value in values if value is not None]
        return fmean(present) if present else None

    return {name: tuple(mean_at(name, epoch) for epoch in range(longest)) for name in names}
