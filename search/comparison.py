"""The candidates side by side, best first, with their curves and how surely they differ."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean

from models.monitor import Mode
from models.trial import TrialResult
from models.views.comparison import Accuracy, Candidate, Comparison, Difference
from search.accuracy import accuracy_of
from search.curves import Curves, mean_curves
from search.paired import Paired
from search.ranking import ranked
from search.ties import Standing, standings


def compare(
    results: Sequence[TrialResult],
    curves: Curves,
    *,
    metric: str,
    mode: Mode,
    overlap: float = 1.0,
) -> Comparison:
    """All candidates with their mean curves, aligned by epoch.

    Args:
        results: of all trials, those of `ties.contenders` with their row losses.
        curves: of all of them.
        metric: what was monitored.
        mode: which way it is better.
        overlap: share of the validation rows that two repeats have in common.
    """
    longest = max((len(curves.get(result.number, ())) for result in results), default=0)
    order = standings(ranked(results, mode), overlap)
    return Comparison(
        metric=metric,
        mode=mode,
        epochs=tuple(range(1, longest + 1)),
        candidates=tuple(
            _candidate(standing, rank, curves, longest)
            for rank, standing in enumerate(order, start=1)
        ),
    )


def difference_view(difference: Paired | None) -> Difference | None:
    """For the API."""
    return None if difference is None else Difference(**asdict(difference))


def _candidate(standing: Standing, rank: int, curves: Curves, longest: int) -> Candidate:
    scored = standing.scored
    results = scored.results
    best_epochs = [result.best_epoch for result in results if result.best_epoch is not None]
    accuracy = accuracy_of(results, curves)
    return Candidate(
        rank=rank if scored.score is not None else None,
        setting=dict(results[0].setting),
        trials=tuple(result.number for result in results),
        states=tuple(result.state for result in results),
        stop_reasons=tuple(result.stop_reason for result in results if result.stop_reason),
        score=scored.score,
        standard_deviation=scored.standard_deviation,
        difference=difference_view(standing.difference),
        tied=standing.tied,
        accuracy=None if accuracy is None else Accuracy(**asdict(accuracy)),
        best_epoch=fmean(best_epochs) if best_epochs else None,
        epochs=fmean(result.epochs for result in results),
        parameters=results[0].parameters,
        seconds=fmean(result.seconds for result in results),
        curves=mean_curves([curves.get(result.number, ()) for result in results], longest),
    )
