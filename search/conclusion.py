"""What an experiment showed, once its search is over: the winner, the ranking, and sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import JsonValue

from models.lifecycle import State, StopReason
from models.monitor import Mode
from models.trial import TrialResult
from models.views.comparison import Conclusion, Ranked, Winner
from search.ranking import Scored, ranked


def conclude(results: Sequence[TrialResult], *, metric: str, mode: Mode, reason: str) -> Conclusion:
    """The conclusion from trials that are all over.

    Args:
        results: of every trial.
        metric: what was monitored.
        mode: which way it is better.
        reason: why the search stopped.
    """
    # What was cancelled or failed has no network to hand out, however well it began.
    counted = [r if r.state is State.SUCCEEDED else replace(r, score=None) for r in results]
    order = ranked(counted, mode)
    winner = _winner(order[0], metric, mode) if order and order[0].score is not None else None
    return Conclusion(
        winner=winner,
        metric=metric,
        ranking=tuple(_line(scored, rank) for rank, scored in enumerate(order, start=1)),
        reason=reason,
        summary=tuple(
            _sentence(scored, metric, won=index == 0 < len(order) - 1)
            for index, scored in enumerate(order)
        ),
    )


def _winner(scored: Scored, metric: str, mode: Mode) -> Winner:
    """The best trial of the best setting; the earliest of equals."""
    candidates = [(result.score, result) for result in scored.results if result.score is not None]
    pick = min if mode == "min" else max
    value, result = pick(candidates, key=lambda pair: pair[0])
    return Winner(
        trial=result.number,
        setting=dict(result.setting),
        metric=metric,
        value=value,
        epoch=result.best_epoch or result.epochs,
    )


def _line(scored: Scored, rank: int) -> Ranked:
    return Ranked(
        rank=rank if scored.score is not None else None,
        setting=dict(scored.results[0].setting),
        score=scored.score,
        standard_deviation=scored.standard_deviation,
        trials=tuple(result.number for result in scored.results),
        stop_reasons=tuple(result.stop_reason for result in scored.results if result.stop_reason),
    )


def _sentence(scored: Scored, metric: str, *, won: bool) -> str:
    name = spoken(scored.results[0].setting)
    if scored.score is None:
        return f"{name} {_why_no_score(scored.results)}."
    epochs = sorted({result.best_epoch for result in scored.results if result.best_epoch})
    at = f"epoch {epochs[0]}" if len(epochs) == 1 else f"epochs {epochs[0]} to {epochs[-1]}"
    spread = (
        ""
        if scored.standard_deviation is None
        else f" (sd {scored.standard_deviation:.4g} over {len(scored.results)} repeats)"
    )
    verb = "won with" if won else "reached"
    return f"{name} {verb} {metric} {scored.score:.4g}{spread} at {at}."


def _why_no_score(results: Sequence[TrialResult]) -> str:
    diverged = [result for result in results if result.stop_reason is StopReason.DIVERGED]
    if diverged:
        return f"diverged in epoch {diverged[0].epochs}"
    if all(result.state is State.CANCELLED for result in results):
        return "was cancelled"
    reasons = sorted({result.stop_reason for result in results if result.stop_reason})
    return f"has no score ({', '.join(reasons)})" if reasons else "has no score"


def spoken(setting: Mapping[str, JsonValue]) -> str:
    """A setting as a person would say it: "learning_rate 0.01"; "the spec" when nothing differs."""
    parts = [
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in setting.items()
    ]
    return ", ".join(parts) or "the spec"
