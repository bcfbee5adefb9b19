"""Whether each of some learning rates was too low, too high or good, by how they compare.

"Too low" and "too high" are said on evidence alone: of a rate below or above the winner that is
worse by more than one standard error row by row, or of one above it that diverged.
"""

from collections.abc import Sequence
from statistics import fmean

from models.trial import TrialResult
from models.views.comparison import RateVerdict, RateWord
from search.sentences.evidence import Evidence
from search.sentences.uncovered import cause_of
from search.sentences.verdicts import difference, how_it_diverged, reached
from search.sentences.words import beyond, counted, number, percent
from search.ties import Standing, Verdict

# A loss that fell by less was hardly trained.
SMALL_FALL = 0.05


def rate_verdicts(evidence: Evidence) -> tuple[RateVerdict, ...]:
    """One a rate, the lowest first."""
    found = []
    for standing in sorted(evidence.standings, key=rate_of):
        word, why = _judged(evidence, standing)
        trials = tuple(trial.number for trial in standing.candidate.trials)
        found.append(
            RateVerdict(learning_rate=rate_of(standing), verdict=word, evidence=why, trials=trials)
        )
    return tuple(found)


def rate_of(standing: Standing) -> float:
    """The learning rate that a candidate of such a comparison is."""
    rate = standing.candidate.setting.get("learning_rate")
    if not isinstance(rate, int | float):
        raise TypeError(f"no setting of a comparison of rates: {rate!r}")
    return float(rate)


def _judged(evidence: Evidence, standing: Standing) -> tuple[RateWord, str]:
    winner = evidence.winner
    if standing.verdict is Verdict.NO_SCORE:
        return _without_score(evidence, standing)
    told = reached(evidence, standing)
    if standing.candidate.pruned or winner is None:
        return "not_decided", told
    if standing.verdict in {Verdict.BEST, Verdict.AS_GOOD}:
        return "good", "; ".join(filter(None, (told, difference(standing.difference))))
    if standing.verdict is not Verdict.WORSE:
        return "not_decided", told
    if rate_of(standing) < rate_of(winner):
        return "too_low", _how_low(evidence, standing)
    return "too_high", _never_past(evidence, standing)


def _without_score(evidence: Evidence, standing: Standing) -> tuple[RateWord, str]:
    if not standing.candidate.diverged:
        return "not_decided", cause_of(standing)
    winner = evidence.winner
    every = len(evidence.diverged()) == len(evidence.standings)
    above = winner is not None and rate_of(standing) > rate_of(winner)
    return "too_high" if above or every else "not_decided", f"it {how_it_diverged(standing)}"


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
