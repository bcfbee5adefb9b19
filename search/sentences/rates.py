"""What a comparison of learning rates showed: which won, which were too low or too high.

"Too low" and "too high" are said on evidence alone: of a rate below or above the winner that is
worse by more than one standard error row by row, or that diverged.
"""

from collections.abc import Iterator, Sequence
from statistics import fmean

from models.trial import TrialResult
from search.sentences.evidence import Evidence
from search.sentences.verdicts import as_good, how_it_diverged, undecided, won
from search.sentences.words import beyond, counted, listed, number, percent, was
from search.ties import Standing, Verdict

# Of those that did not win; the ranking has them all.
MAX_RATES = 12

# A loss that fell by less was hardly trained.
SMALL_FALL = 0.05


def rate_sentences(evidence: Evidence) -> Iterator[str]:
    """One about the winner, one about each other rate of the first few, one about the diverged."""
    winner = evidence.winner
    if winner is not None:
        yield won(evidence, winner, _name(winner))
        yield from _edge(evidence, winner)
    others = evidence.others_with_a_score()
    for standing in others[:MAX_RATES]:
        yield _judged(evidence, standing)
    if len(others) > MAX_RATES:
        yield f"{len(others) - MAX_RATES} more rates ranked lower."
    yield from _diverged(evidence)


def _judged(evidence: Evidence, standing: Standing) -> str:
    name, candidate = _name(standing), standing.candidate
    if standing.verdict is Verdict.AS_GOOD:
        return as_good(evidence, standing, name)
    if candidate.pruned or standing.verdict is not Verdict.WORSE or evidence.winner is None:
        return undecided(evidence, standing, name)
    if _rate(standing) < _rate(evidence.winner):
        return f"{name} was too low: {_how_low(evidence, standing)}."
    return f"{name} was too high: {_never_past(evidence, standing)}."


def _how_low(evidence: Evidence, standing: Standing) -> str:
    results = standing.candidate.scored
    trained = counted("epoch", [result.epochs for result in results])
    fell = _fall(evidence, results)
    if fell is not None and fell < SMALL_FALL:
        how = f"had fallen by {percent(fell)}" if fell > 0 else "had not fallen"
        return f"after {trained} the loss {how}"
    if all(result.best_epoch == result.epochs for result in results):
        moving = "falling" if evidence.judged.mode == "min" else "rising"
        score = number(fmean(standing.candidate.scores.values()))
        return f"after {trained} its {evidence.judged.metric} was still {moving}, at {score}"
    return _never_past(evidence, standing)


def _never_past(evidence: Evidence, standing: Standing) -> str:
    """How far it came. Of several repeats the mean: each has validation rows of its own."""
    scores = standing.candidate.scores.values()
    mean, judged = number(fmean(scores)), evidence.judged
    if len(scores) > 1:
        return f"its {judged.metric} came to {mean} at best, the mean of {len(scores)} repeats"
    return f"its {judged.metric} never came {beyond(judged.mode)} {mean}"


def _fall(evidence: Evidence, results: Sequence[TrialResult]) -> float | None:
    """By what share of itself the training loss fell from the first epoch to the last."""
    falls = []
    for result in results:
        losses = [metrics.get("loss") for metrics in evidence.curves.get(result.number, ())]
        present = [loss for loss in losses if loss is not None]
        if len(present) > 1 and present[0] > 0:
            falls.append(1.0 - present[-1] / present[0])
    return fmean(falls) if falls else None


def _edge(evidence: Evidence, winner: Standing) -> Iterator[str]:
    """Where the winner is the last rate of those that were tried, the best may lie beyond."""
    tried = [_rate(each) for each in evidence.standings if each.candidate.score is not None]
    tried += [_rate(each) for each in evidence.diverged()]
    if len(tried) < 2:  # noqa: PLR2004 - one rate has no edge
        return
    if _rate(winner) == max(tried):
        yield "It is the highest rate that was tried: a higher one may be better still."
    elif _rate(winner) == min(tried):
        yield "It is the lowest rate that was tried: a lower one may be better still."


def _diverged(evidence: Evidence) -> Iterator[str]:
    diverged, winner = evidence.diverged(), evidence.winner
    if winner is None and diverged and len(diverged) == len(evidence.standings):
        lowest = min(diverged, key=_rate)
        yield f"Every rate that was tried diverged: try rates below {_name(lowest)}."
        return
    above = [each for each in diverged if winner is not None and _rate(each) > _rate(winner)]
    if len(above) == 1:
        yield f"{_name(above[0])} was too high: it {how_it_diverged(above[0])}."
    elif above:
        yield f"{listed([_name(each) for each in above])} were too high: they diverged."
    rest = [each for each in diverged if each not in above]
    if len(rest) == 1:
        yield f"{_name(rest[0])} {how_it_diverged(rest[0])}."
    elif rest:
        names = [_name(each) for each in rest]
        yield f"{listed(names)} diverged, so there {was(names)} no score of them."


def _rate(standing: Standing) -> float:
    rate = standing.candidate.setting.get("learning_rate")
    if not isinstance(rate, int | float):
        raise TypeError(f"no setting of a comparison of rates: {rate!r}")
    return float(rate)


def _name(standing: Standing) -> str:
    return number(_rate(standing))
