"""Which candidates are as good as the best, as far as the rows that both were validated on tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from models.monitor import Mode
from models.trial import TrialResult
from search.paired import Paired, paired
from search.ranking import Scored, ranked

# Row losses take 64 KiB a trial. Those further down are worse than so many others in any case.
MAX_CANDIDATES = 50
MAX_TRIALS = 400


class Verdict(Enum):
    """How a candidate stands against the best one."""

    BEST = auto()
    AS_GOOD = auto()
    """Not shown to be worse: its rows cost at most one standard error more."""
    WORSE = auto()
    UNDECIDED = auto()
    """It has a lower score, but there are no rows to compare by."""
    NO_SCORE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A candidate held against the best one.

    Attributes:
        scored: the candidate.
        difference: its row losses minus the best one's; None for the best itself, and where they
            cannot be paired.
    """

    scored: Scored
    difference: Paired | None
    verdict: Verdict

    @property
    def tied(self) -> bool | None:
        """Whether it is as good as the best; None where that is not decided."""
        return {Verdict.AS_GOOD: True, Verdict.WORSE: False}.get(self.verdict)


def contenders(results: Sequence[TrialResult], mode: Mode) -> frozenset[int]:
    """The trials of the best candidates, whose row losses are worth loading.

    Args:
        results: of all trials.
        mode: which way the score is better.

    Returns:
        Numbers of at most MAX_TRIALS trials of at most MAX_CANDIDATES candidates.
    """
    numbers: list[int] = []
    for scored in ranked(results, mode)[:MAX_CANDIDATES]:
        if scored.score is None or len(numbers) + len(scored.results) > MAX_TRIALS:
            break
        numbers += [result.number for result in scored.results]
    return frozenset(numbers)


def standings(order: Sequence[Scored], overlap: float) -> tuple[Standing, ...]:
    """Each candidate against the first.

    Args:
        order: the candidates, best first, with the row losses of the contenders.
        overlap: share of the validation rows that two repeats have in common.
    """
    return tuple(
        _standing(scored, order[0], place=place, overlap=overlap)
        for place, scored in enumerate(order)
    )


def _standing(scored: Scored, best: Scored, *, place: int, overlap: float) -> Standing:
    if scored.score is None:
        return Standing(scored=scored, difference=None, verdict=Verdict.NO_SCORE)
    if place == 0:
        return Standing(scored=scored, difference=None, verdict=Verdict.BEST)
    difference = paired(scored.results, best.results, overlap=overlap)
    if difference is None:
        return Standing(scored=scored, difference=None, verdict=Verdict.UNDECIDED)
    worse = difference.mean > difference.standard_error
    verdict = Verdict.WORSE if worse else Verdict.AS_GOOD
    return Standing(scored=scored, difference=difference, verdict=verdict)
