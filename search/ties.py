"""Which candidates are as good as the best, as far as the rows that both were validated on tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from models.monitor import Mode
from models.trial import TrialResult
from search.candidates import Candidate
from search.paired import Paired, paired
from search.ranking import ranked

# Row losses take 64 KiB a trial. Those further down are worse than so many others in any case.
MAX_CONTENDERS = 50
MAX_CONTENDING_TRIALS = 400


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
        difference: its row losses minus the best one's; None for the best itself, and where they
            cannot be paired.
    """

    candidate: Candidate
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
        Numbers of at most MAX_CONTENDING_TRIALS trials of at most MAX_CONTENDERS candidates.
    """
    numbers: list[int] = []
    for candidate in ranked(results, mode)[:MAX_CONTENDERS]:
        more = [trial.number for trial in candidate.trials]
        if candidate.score is None or len(numbers) + len(more) > MAX_CONTENDING_TRIALS:
            break
        numbers += more
    return frozenset(numbers)


def standings(order: Sequence[Candidate], overlap: float) -> tuple[Standing, ...]:
    """Each candidate against the first.

    Args:
        order: the candidates, best first, with the row losses of the contenders.
        overlap: share of the validation rows that two repeats have in common.
    """
    return tuple(
        _standing(candidate, order[0], is_best=place == 0, overlap=overlap)
        for place, candidate in enumerate(order)
    )


def _standing(candidate: Candidate, best: Candidate, *, is_best: bool, overlap: float) -> Standing:
    difference, verdict = None, Verdict.BEST
    if candidate.score is None:
        verdict = Verdict.NO_SCORE
    elif not is_best:
        difference = paired(candidate.trials, best.trials, overlap=overlap)
        if difference is None:
            verdict = Verdict.UNDECIDED
        else:
            verdict = Verdict.WORSE if difference.is_worse else Verdict.AS_GOOD
    return Standing(candidate=candidate, difference=difference, verdict=verdict)
