"""Which size a search over capacity chooses: the smallest that is as good as the best."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from models.monitor import Mode, monitored
from models.specs.experiment import ExperimentSpec
from models.trial import TrialResult
from search.candidates import Candidate
from search.paired import Paired, overlap_of, paired
from search.ranking import ranked
from search.strategies.climb import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSize:
    """One of the sizes, and how it stands among them.

    Attributes:
        against_best: its row losses minus the best size's; None for that itself, and where they
            cannot be paired.
        as_good: it is not shown to be worse than the best, by one standard error.
        unbeaten: no larger size is shown to be better than it.
    """

    candidate: Candidate
    size: Size
    against_best: Paired | None
    as_good: bool
    unbeaten: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The smallest size that is as good as the best.

    Attributes:
        best: the one with the best mean score.
        enough: the first size that no larger one beats; None where only larger ones have scores.
        sizes: all of them, by rising number of parameters.
    """

    chosen: JudgedSize
    best: JudgedSize
    enough: JudgedSize | None
    sizes: tuple[JudgedSize, ...]


def choose(spec: ExperimentSpec, results: Sequence[TrialResult]) -> Choice | None:
    """Choose the fewest parameters among the sizes that are as good as the best.

    As good: the mean difference of the row losses is at most one paired standard error, as
    `Paired.is_worse` says. Where row losses are missing, the scores of the seeds are paired
    instead.

    Args:
        spec: of the experiment.
        results: of its trials, all over; with row losses where there are any.

    Returns:
        None where no size has a score.
    """
    mode = monitored(spec.compile, spec.fit).mode
    order = ranked(results, mode)
    if not order or order[0].score is None:
        return None
    top = order[0]
    rising = sorted(order, key=lambda candidate: candidate.parameters)
    contest = _Contest(mode, overlap_of(spec.fit))
    sizes = tuple(
        contest.judged(candidate, top, rising[place + 1 :])
        for place, candidate in enumerate(rising)
    )
    best = next(size for size in sizes if size.candidate is top)
    return Choice(
        # Where nothing was trained to its end, what got furthest.
        chosen=next((size for size in sizes if size.as_good), best),
        best=best,
        enough=next((size for size in sizes if size.unbeaten), None),
        sizes=sizes,
    )


@dataclass(frozen=True, slots=True)
class _Contest:
    """By what two sizes are held against each other."""

    mode: Mode
    overlap: float

    def judged(
        self, candidate: Candidate, best: Candidate, larger: Sequence[Candidate]
    ) -> JudgedSize:
        return JudgedSize(
            candidate=candidate,
            size=_size(candidate),
            against_best=None if candidate is best else self._difference(candidate, best),
            as_good=candidate.whole and not self._is_worse(candidate, best),
            unbeaten=candidate.whole
            and not any(self._is_worse(candidate, other) for other in larger),
        )

    def _difference(self, one: Candidate, other: Candidate) -> Paired | None:
        return paired(one.trials, other.trials, overlap=self.overlap)

    def _is_worse(self, one: Candidate, other: Candidate) -> bool:
        """Whether one is shown to be worse than the other: by more than a standard error."""
        if one is other:
            return False
        if not (one.whole and other.whole):
            return other.whole and not one.whole
        rows = self._difference(one, other)
        if rows is not None:
            return rows.is_worse
        behind = self._behind(one, other)
        error = stdev(behind) / sqrt(len(behind)) if len(behind) > 1 else 0.0
        return fmean(behind) > error

    def _behind(self, one: Candidate, other: Candidate) -> list[float]:
        """By how much one's scores are worse, seed by seed where both have some."""
        sign = 1.0 if self.mode == "min" else -1.0
        ones, others = one.scores, other.scores
        both = sorted(ones.keys() & others.keys())
        if both:
            return [sign * (ones[repeat] - others[repeat]) for repeat in both]
        return [sign * (fmean(ones.values()) - fmean(others.values()))]


def _size(candidate: Candidate) -> Size:
    depth, units = (candidate.setting.get(name, 0) for name in ("hidden_layers", "units"))
    if not isinstance(depth, int) or not isinstance(units, int):
        raise TypeError(f"no setting of a search over capacity: {dict(candidate.setting)}")
    return Size(depth, units)
