"""The candidates side by side, best first, with their curves and how surely they differ."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean

from models.monitor import Monitored
from models.trial import TrialResult
from models.views import comparison as views
from search.accuracy import accuracy_of
from search.curves import Curves, mean_curves
from search.paired import Paired
from search.ranking import ranked
from search.ties import Standing, standings


def compare(
    results: Sequence[TrialResult],
    curves: Curves,
    *,
    judged: Monitored,
    overlap: float = 1.0,
) -> views.Comparison:
    """All candidates with their mean curves, aligned by epoch.

    Args:
        results: of all trials, those of `ties.contenders` with their row losses.
        curves: of all of them.
        judged: by what they are compared.
        overlap: share of the validation rows that two repeats have in common.
    """
    longest = max((len(curves.get(result.number, ())) for result in results), default=0)
    order = standings(ranked(results, judged.mode), overlap)
    return views.Comparison(
        metric=judged.metric,
        mode=judged.mode,
        epochs=tuple(range(1, longest + 1)),
        candidates=tuple(
            _view(standing, rank, curves, longest) for rank, standing in enumerate(order, start=1)
        ),
    )


def difference_view(difference: Paired | None) -> views.Difference | None:
    """For the API."""
    return None if difference is None else views.Difference(**asdict(difference))


def _view(standing: Standing, rank: int, curves: Curves, longest: int) -> views.Candidate:
    candidate, trials = standing.candidate, standing.candidate.trials
    best_epochs = [trial.best_epoch for trial in trials if trial.best_epoch is not None]
    return views.Candidate(
        rank=rank if candidate.score is not None else None,
        setting=dict(candidate.setting),
        trials=tuple(trial.number for trial in trials),
        states=tuple(trial.state for trial in trials),
        stop_reasons=tuple(trial.stop_reason for trial in trials if trial.stop_reason),
        score=candidate.score,
        standard_deviation=candidate.standard_deviation,
        difference=difference_view(standing.difference),
        tied=standing.tied,
        accuracy=accuracy_of(trials, curves),
        best_epoch=fmean(best_epochs) if best_epochs else None,
        epochs=fmean(trial.epochs for trial in trials),
        parameters=candidate.parameters,
        seconds=fmean(trial.seconds for trial in trials),
        curves=mean_curves([curves.get(trial.number, ()) for trial in trials], longest),
    )
