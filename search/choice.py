"""Which size a search over capacity chooses: the smallest that is as good as the best."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from models.monitor import Monitored, monitored
from models.specs.experiment import ExperimentSpec
from models.specs.search import CapacitySearch
from models.trial import TrialResult
from search.paired import Paired, overlap_of, paired
from search.ranking import Scored, ranked
from search.strategies.capacity import scores_of, search_of
from search.strategies.climb import LINEAR, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLine:
    """One size in the table of a conclusion.

    Attributes:
        candidate: as its trials have it.
        parameters: of its network.
        score: mean over the seeds; None where it has none, or diverged.
        standard_deviation: of the same, with n - 1.
        against_best: its row losses minus the best size's; None for that itself, and where they
            cannot be paired.
        as_good: it is not shown to be worse than the best, by one standard error.
        unbeaten: no larger size is shown to be better than it.
    """

    candidate: int
    size: Size
    parameters: int
    score: float | None
    standard_deviation: float | None
    against_best: Paired | None
    as_good: bool
    unbeaten: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The smallest size that is as good as the best.

    Attributes:
        candidate: the one chosen.
        best: the one with the best mean score.
        enough: the first size that no larger one beats; None where only larger ones have scores.
        sizes: all of them, by rising number of parameters.
        sentences: what that says of the data, for people.
    """

    candidate: int
    best: int
    enough: int | None
    sizes: tuple[SizeLine, ...]
    sentences: tuple[str, ...]


def choose(spec: ExperimentSpec, results: Sequence[TrialResult]) -> Choice | None:
    """Choose the fewest parameters among the sizes that are as good as the best.

    As good: the mean difference of the row losses is at most one paired standard error (Breiman's
    one-standard-error rule, "Classification and Regression Trees", 1984, section 3.4.3, with the
    rows paired). Where row losses are missing, the scores of the seeds are paired instead.

    Args:
        spec: of the experiment.
        results: of its trials, all over; with row losses where there are any.

    Returns:
        None where no size has a score.
    """
    judged = monitored(spec.compile, spec.fit)
    order = ranked(results, judged.mode)
    if not order or order[0].score is None:
        return None
    best = order[0]
    sizes = sorted(order, key=lambda scored: scored.results[0].parameters)
    contest = _Contest(judged, overlap_of(spec.fit))
    lines = tuple(
        _line(scored, best, sizes[place + 1 :], contest) for place, scored in enumerate(sizes)
    )
    chosen = next(
        (line for line in lines if line.as_good),
        # Where nothing was trained to its end, what got furthest.
        next(line for line in lines if line.candidate == _candidate(best)),
    )
    enough = next((line for line in lines if line.unbeaten), None)
    return Choice(
        candidate=chosen.candidate,
        best=_candidate(best),
        enough=None if enough is None else enough.candidate,
        sizes=lines,
        sentences=tuple(_sentences(search_of(spec), lines, chosen, _candidate(best), judged)),
    )


@dataclass(frozen=True, slots=True)
class _Contest:
    """By what two sizes are held against each other."""

    judged: Monitored
    overlap: float

    def difference(self, one: Scored, other: Scored) -> Paired | None:
        return paired(one.results, other.results, overlap=self.overlap)

    def is_worse(self, one: Scored, other: Scored) -> bool:
        """Whether one is shown to be worse than the other: by more than a standard error."""
        if one is other:
            return False
        finished = [bool(scores_of(scored.results)) for scored in (one, other)]
        if not all(finished):
            return finished == [False, True]
        rows = self.difference(one, other)
        if rows is not None:
            return rows.mean > rows.standard_error
        behind = self._behind(one, other)
        error = stdev(behind) / sqrt(len(behind)) if len(behind) > 1 else 0.0
        return fmean(behind) > error

    def _behind(self, one: Scored, other: Scored) -> list[float]:
        """By how much one's scores are worse, seed by seed where both have some."""
        sign = 1.0 if self.judged.mode == "min" else -1.0
        ones, others = scores_of(one.results), scores_of(other.results)
        both = sorted(ones.keys() & others.keys())
        if both:
            return [sign * (ones[repeat] - others[repeat]) for repeat in both]
        return [sign * (fmean(ones.values()) - fmean(others.values()))]


def _candidate(scored: Scored) -> int:
    return scored.results[0].candidate


def _line(scored: Scored, best: Scored, larger: Sequence[Scored], contest: _Contest) -> SizeLine:
    trial = scored.results[0]
    there = bool(scores_of(scored.results))
    return SizeLine(
        candidate=trial.candidate,
        size=_size(trial),
        parameters=trial.parameters,
        score=scored.score,
        standard_deviation=scored.standard_deviation,
        against_best=None if scored is best else contest.difference(scored, best),
        as_good=there and not contest.is_worse(scored, best),
        unbeaten=there and not any(contest.is_worse(scored, other) for other in larger),
    )


def _size(trial: TrialResult) -> Size:
    depth, units = (trial.setting.get(name, 0) for name in ("hidden_layers", "units"))
    if not isinstance(depth, int) or not isinstance(units, int):
        raise TypeError(f"no setting of a search over capacity: {dict(trial.setting)}")
    return Size(depth, units)


def _sentences(
    search: CapacitySearch,
    lines: Sequence[SizeLine],
    chosen: SizeLine,
    best: int,
    judged: Monitored,
) -> Iterator[str]:
    size = f"{chosen.size} ({chosen.parameters:,} parameters)"
    if chosen.candidate == best:
        yield f"{size} has the best {judged.metric}, and no smaller size is as good."
    else:
        top = next(line for line in lines if line.candidate == best)
        yield (
            f"{size} is the smallest size within one standard error of the best, which is "
            f"{top.size} ({top.parameters:,} parameters)."
        )
    if any(line.size.depth == LINEAR and line.as_good for line in lines):
        yield "Capacity is not the limit: the best does not beat a network without hidden layer."
    elif chosen.size.depth == search.max_depth > 1:
        yield (
            f"Ceiling reached: {search.max_depth} layers are the most that were tried. Raise "
            "search.max_depth to see whether more would do better."
        )
    elif chosen.size.units == search.ceiling:
        yield (
            f"Ceiling reached: {search.ceiling} units are the most that were tried. Raise "
            "search.max_units to see whether more would do better."
        )
