"""What an experiment showed, once its search is over: the winner, the ranking, and sentences."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from models.lifecycle import StopReason
from models.monitor import Mode
from models.specs.experiment import ExperimentSpec
from models.specs.search import CapacitySearch, LearningRatesSearch
from models.trial import TrialResult, changed
from models.views.comparison import Conclusion, Ranked, SizeLine, Sizes, Winner
from search.choice import Choice, choose
from search.comparison import difference_view
from search.curves import Curves
from search.paired import overlap_of
from search.ranking import Scored, counts, ranked
from search.sentences.evidence import Evidence
from search.sentences.rates import rate_sentences
from search.sentences.settings import setting_sentences, winner_sentences
from search.sentences.uncovered import uncovered
from search.sentences.words import spoken
from search.ties import Standing, Verdict, standings

MAX_NAME = 200


def conclude(
    spec: ExperimentSpec,
    results: Sequence[TrialResult],
    curves: Curves,
    *,
    metric: str,
    mode: Mode,
    reason: str,
    experiment: str = "",
) -> Conclusion:
    """The conclusion from trials that are all over.

    Args:
        spec: of the experiment.
        results: of every trial, those of `ties.contenders` with their row losses.
        curves: of the contenders.
        metric: what was monitored.
        mode: which way it is better.
        reason: why the search stopped.
        experiment: its id, by which the winner's spec says where it comes from.
    """
    order = standings(ranked(results, mode), overlap_of(spec.fit))
    choice = choose(spec, results) if isinstance(spec.search, CapacitySearch) else None
    winner = _winning(order, choice)
    evidence = Evidence(metric=metric, mode=mode, standings=order, winner=winner, curves=curves)
    return Conclusion(
        winner=None if winner is None else _winner(spec, winner.scored, evidence, experiment),
        metric=metric,
        ranking=tuple(_line(standing, rank) for rank, standing in enumerate(order, start=1)),
        ties=tuple(
            dict(_setting(standing)) for standing in evidence.others(Verdict.BEST, Verdict.AS_GOOD)
        ),
        sizes=None if choice is None else _sizes(choice, order),
        reason=reason,
        summary=tuple(_summary(spec, evidence, choice)),
    )


def _winning(order: Sequence[Standing], choice: Choice | None) -> Standing | None:
    if choice is not None:
        return next(each for each in order if _candidate(each) == choice.candidate)
    return order[0] if order and order[0].scored.score is not None else None


def _winner(spec: ExperimentSpec, scored: Scored, evidence: Evidence, experiment: str) -> Winner:
    """The best trial of the winning setting; the earliest of equals.

    One that was pruned only where all were: trained alone it would go on.
    """
    candidates = [
        (result.score, result)
        for result in scored.results
        if counts(result) and result.score is not None
    ]
    whole = [pair for pair in candidates if pair[1].stop_reason is not StopReason.PRUNED]
    pick = min if evidence.mode == "min" else max
    value, result = pick(whole or candidates, key=lambda pair: pair[0])
    return Winner(
        trial=result.number,
        setting=dict(result.setting),
        metric=evidence.metric,
        value=value,
        epoch=result.best_epoch or result.epochs,
        spec=alone(spec, result, experiment),
    )


def alone(spec: ExperimentSpec, result: TrialResult, experiment: str) -> ExperimentSpec:
    """The spec of one trial of an experiment, which POSTed gives that trial's history again."""
    where = " of ".join(filter(None, (f"trial {result.number}", experiment)))
    name = ", ".join(filter(None, (spec.name, f"{where}: {spoken(result.setting)}")))
    return changed(spec, result.changes).model_copy(
        update={"name": name[:MAX_NAME], "repeats": 1, "seed": result.seed}
    )


def _line(standing: Standing, rank: int) -> Ranked:
    scored = standing.scored
    return Ranked(
        rank=rank if scored.score is not None else None,
        setting=dict(_setting(standing)),
        score=scored.score,
        standard_deviation=scored.standard_deviation,
        difference=difference_view(standing.difference),
        tied=standing.tied,
        trials=tuple(result.number for result in scored.results),
        stop_reasons=tuple(result.stop_reason for result in scored.results if result.stop_reason),
    )


def _sizes(choice: Choice, order: Sequence[Standing]) -> Sizes:
    settings = {_candidate(each): dict(_setting(each)) for each in order}
    return Sizes(
        chosen=settings[choice.candidate],
        best=settings[choice.best],
        enough=None if choice.enough is None else settings[choice.enough],
        table=tuple(
            SizeLine(
                setting=settings[line.candidate],
                parameters=line.parameters,
                score=line.score,
                standard_deviation=line.standard_deviation,
                difference=difference_view(line.against_best),
                as_good=line.as_good,
                unbeaten=line.unbeaten,
            )
            for line in choice.sizes
        ),
    )


def _summary(spec: ExperimentSpec, evidence: Evidence, choice: Choice | None) -> Iterator[str]:
    if isinstance(spec.search, LearningRatesSearch):
        yield from rate_sentences(evidence)
    elif choice is not None:
        yield from winner_sentences(evidence)
        yield from choice.sentences
    else:
        yield from setting_sentences(evidence)
    yield from uncovered(evidence)


def _candidate(standing: Standing) -> int:
    return standing.scored.results[0].candidate


def _setting(standing: Standing) -> Mapping[str, JsonValue]:
    return standing.scored.results[0].setting
