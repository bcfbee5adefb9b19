"""Whether one network is better than another on the same rows: the only judge of what is real.

It knows losses of rows and nothing of findings.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# One-sided, so that luck alone finds a difference in 2.3 % of all pairs of equals.
STANDARD_ERRORS = 2.0

Losses = NDArray[np.float64]
"""A loss a validation row, (rows,)."""
Classes = NDArray[np.float64]
"""A number of a class a validation row, (rows,)."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What a change brought: losses before minus losses after, row by row.

    Attributes:
        mean: above 0 the change helped. Infinite where there was no usable network before, and
            minus infinite where there is none after it.
        standard_error: of the mean.
    """

    mean: float
    standard_error: float

    @property
    def is_real(self) -> bool:
        """Whether it is beyond the noise of the rows."""
        return self.mean > STANDARD_ERRORS * self.standard_error


def usable(losses: Losses | None) -> bool:
    """Whether there is a network that says something finite of every row."""
    return losses is not None and bool(np.isfinite(losses).all())


def gain(before: Losses | None, after: Losses | None) -> Gain:
    """Pair two networks by row.

    Args:
        before: of the one network; None where there is none, as after a divergence.
        after: of the other, on the same rows.
    """
    if not usable(after):
        return Gain(-math.inf if usable(before) else 0.0, 0.0)
    if not usable(before):
        return Gain(math.inf, 0.0)
    assert before is not None
    assert after is not None
    differences = before - after
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    return Gain(float(differences.mean()), error)


def alike(losses: Losses | None, classes: Classes) -> Losses | None:
    """Weighed so that their mean is that of the classes' own means.

    Args:
        losses: (rows,).
        classes: of the same rows, (rows,).
    """
    if losses is None:
        return None
    _, which, counts = np.unique(classes, return_inverse=True, return_counts=True)
    return np.asarray(losses * (len(classes) / len(counts) / counts[which]))


def last(count: int, losses: Losses | None) -> Losses | None:
    """Of the last so many rows: what a repair has for training is no measure of it any more."""
    return None if losses is None else losses[-count:]


def fault_is_real(faulty: Losses | None, without: Sequence[Losses | None]) -> bool:
    """Whether each network without the fault is better than the faulty one beyond the rows' noise.

    Two of other seeds, because two trainings differ by luck of their seeds also where rows alone
    could not tell.
    """
    return all(gain(faulty, each).is_real for each in without)
