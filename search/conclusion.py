"""What an experiment showed, once its search is over: the winner, the ranking, and sentences."""

from collections.abc import Callable, Iterator, Sequence

from models.lifecycle import StopReason
from models.monitor import Monitored
from models.specs.experiment import MAX_NAME, ExperimentSpec
from models.specs.search import CapacitySearch, LearningRatesSearch
from models.trial import TrialResult, changed
from models.views.comparison import Conclusion, Ranked, RateVerdict, SizeLine, Sizes, Winner
from search.candidates import Candidate
from search.choice import Choice, choose
from search.comparison import difference_view
from search.curves import Curves
from search.paired import overlap_of
from search.ranking import ranked
from search.sentences.evidence import Evidence
from search.sentences.rate_verdicts import rate_verdicts
from search.sentences.rates import rate_sentences
from search.sentences.settings import setting_sentences, winner_sentences
from search.sentences.sizes import size_sentences
from search.sentences.uncovered import uncovered
from search.sentences.words import spoken
from search.ties import Standing, Verdict, standings

Weigh = Callable[[Sequence[RateVerdict]], tuple[RateVerdict, ...]]
"""Weighs verdicts that comparing gave against what else is known of the trials."""


def conclude(
    spec: ExperimentSpec,
    results: Sequence[TrialResult],
    curves: Curves,
    *,
    judged: Monitored,
    reason: str,
    experiment: str = "",
    weigh: Weigh = tuple,
) -> Conclusion:
    """The conclusion from trials that are all over.

    Args:
        spec: of the experiment.
        results: of every trial, those of `ties.contenders` with their row losses.
        curves: of the contenders.
        judged: by what they were compared.
        reason: why the search stopped.
        experiment: its id, by which the winner's spec says where it comes from.
        weigh: what health knows of learning rates beside how they compare; by default nothing.
    """
    order = standings(ranked(results, judged.mode), overlap_of(spec.fit))
    choice = choose(spec, results) if isinstance(spec.search, CapacitySearch) else None
    winner = _winning(order, choice)
    evidence = Evidence(judged=judged, standings=order, winner=winner, curves=curves)
    compares_rates = isinstance(spec.search, LearningRatesSearch)
    rates = weigh(rate_verdicts(evidence)) if compares_rates else ()
    return Conclusion(
        winner=None if winner is None else _winner(spec, winner.candidate, evidence, experiment),
        metric=judged.metric,
        ranking=tuple(_line(standing, rank) for rank, standing in enumerate(order, start=1)),
        ties=tuple(
            dict(standing.candidate.setting)
            for standing in evidence.others(Verdict.BEST, Verdict.AS_GOOD)
        ),
        sizes=None if choice is None else _sizes(choice),
        rates=rates,
        reason=reason,
        summary=tuple(_summary(spec, evidence, choice, rates)),
    )


def _winning(order: Sequence[Standing], choice: Choice | None) -> Standing | None:
    if choice is not None:
        return next(
            each for each in order if each.candidate.number == choice.chosen.candidate.number
        )
    return order[0] if order and order[0].candidate.score is not None else None


def _winner(
    spec: ExperimentSpec, candidate: Candidate, evidence: Evidence, experiment: str
) -> Winner:
    """The best trial of the winning setting; the earliest of equals.

    One that was pruned only where all were: trained alone it would go on.
    """
    whole = [trial for trial in candidate.scored if trial.stop_reason is not StopReason.PRUNED]
    pick = min if evidence.judged.mode == "min" else max
    trial = pick(whole or candidate.scored, key=lambda trial: candidate.scores[trial.repeat])
    return Winner(
        trial=trial.number,
        setting=dict(trial.setting),
        metric=evidence.judged.metric,
        value=candidate.scores[trial.repeat],
        epoch=trial.best_epoch or trial.epochs,
        spec=alone(spec, trial, experiment),
    )


def alone(spec: ExperimentSpec, result: TrialResult, experiment: str) -> ExperimentSpec:
    """The spec of one trial of an experiment, which POSTed gives that trial's history again."""
    where = " of ".join(filter(None, (f"trial {result.number}", experiment)))
    name = ", ".join(filter(None, (spec.name, f"{where}: {spoken(result.setting)}")))
    return changed(spec, result.changes).model_copy(
        update={
            "name": name[:MAX_NAME],
            "repeats": 1,
            "seed": result.seed,
            "derived_from": None,  # it repeats a training and repairs none
        }
    )


def _line(standing: Standing, rank: int) -> Ranked:
    candidate = standing.candidate
    return Ranked(
        rank=rank if candidate.score is not None else None,
        setting=dict(candidate.setting),
        score=candidate.score,
        standard_deviation=candidate.standard_deviation,
        difference=difference_view(standing.difference),
        tied=standing.tied,
        trials=tuple(trial.number for trial in candidate.trials),
        stop_reasons=tuple(trial.stop_reason for trial in candidate.trials if trial.stop_reason),
    )


def _sizes(choice: Choice) -> Sizes:
    return Sizes(
        chosen=dict(choice.chosen.candidate.setting),
        best=dict(choice.best.candidate.setting),
        enough=None if choice.enough is None else dict(choice.enough.candidate.setting),
        table=tuple(
            SizeLine(
                setting=dict(size.candidate.setting),
                parameters=size.candidate.parameters,
                score=size.candidate.score,
                standard_deviation=size.candidate.standard_deviation,
                difference=difference_view(size.against_best),
                as_good=size.as_good,
                unbeaten=size.unbeaten,
            )
            for size in choice.sizes
        ),
    )


def _summary(
    spec: ExperimentSpec, evidence: Evidence, choice: Choice | None, rates: Sequence[RateVerdict]
) -> Iterator[str]:
    match spec.search:
        case LearningRatesSearch():
            yield from rate_sentences(evidence, rates)
        case CapacitySearch() as search if choice is not None:
            yield from winner_sentences(evidence)
            yield from size_sentences(search, choice, evidence.judged.metric)
        case _:
            yield from setting_sentences(evidence)
    yield from uncovered(evidence)
