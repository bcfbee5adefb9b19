"""Which candidate did better than which."""

import math
from collections.abc import Sequence

from models.monitor import Mode
from models.trial import TrialResult
from search.candidates import Candidate, gathered


def ranked(results: Sequence[TrialResult], mode: Mode) -> tuple[Candidate, ...]:
    """The candidates, best first; those without a score last, in the order they were proposed.

    One of which a repeat was pruned comes after all that were trained to their end: it was cut
    because it was behind, and nobody knows what it would have come to.
    """
    sign = 1 if mode == "min" else -1

    def place(candidate: Candidate) -> tuple[bool, bool, float]:
        if candidate.score is None:
            return True, False, math.inf
        return False, candidate.pruned, sign * candidate.score

    return tuple(sorted(gathered(results), key=place))
