"""Holds two candidates against each other row by row: how much they differ, and how surely.

Two networks find the same rows hard, so the difference of their losses on each row varies far less
than either loss does: what is noise between two means is often plain in their differences.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import TYPE_CHECKING

from pydantic import JsonValue

from models.specs.fit import FitSpec
from models.trial import TrialResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Trials that differ in one of these have other validation rows, or losses in another unit. A POST
# lets no search differ in rows (models.search_meaning); a comparison does not rely on that.
_YARDSTICKS = ("data", "fit.validation_split", "fit.split", "compile.loss")
# It changes the inputs of the rows, and neither which rows there are nor what they cost.
_NO_YARDSTICK = "data.scaling"

# A spread needs two rows.
_LEAST_ROWS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """The difference between two candidates, first minus second.

    Attributes:
        mean: of the differences of their row losses; below 0 the first is better.
        standard_error: of that mean.
        rows: differences that it is taken from, over all repeats.
        repeats: that both have.
    """

    mean: float
    standard_error: float
    rows: int
    repeats: int

    @property
    def is_worse(self) -> bool:
        """Whether the first is shown to be worse: by more than one standard error.

        Breiman's one-standard-error rule, "Classification and Regression Trees", 1984, section
        3.4.3, with the rows paired.
        """
        return self.mean > self.standard_error


def paired(
    first: Sequence[TrialResult], second: Sequence[TrialResult], *, overlap: float = 1.0
) -> Paired | None:
    """Pair the row losses of two candidates by repeat and row.

    Within a repeat the standard error of the mean difference is sd / sqrt(rows). Repeats count
    alike: the difference is the mean of theirs. They are no independent draws, because they
    validate on rows of the same dataset. Their correlation is taken as the share of rows that two
    of them have in common, as Nadeau and Bengio propose ("Inference for the Generalization Error",
    Machine Learning 52, 2003), which gives

        standard_error² = between / repeats + overlap * within

    where `within` is the mean over repeats of their squared standard errors, and `between` the
    variance of their differences, which also holds what the seeds of training do. It is taken for
    at least (1 - overlap) * within, which is what it comes to by the rows alone: that of two or
    three repeats may be small by luck.

    Args:
        first: the trials of one candidate.
        second: those of the other.
        overlap: share of the validation rows that two repeats have in common, in [0, 1]: see
            `overlap_of`. By default all: more repeats then make only the seeds' part smaller.

    Returns:
        None where there is no repeat of which both have the finite losses of two rows or more, or
        where their losses are not of the same rows in the same unit.
    """
    there = {(result.repeat, result.seed): result for result in second}
    found = [
        differences
        for result in first
        if (other := there.get((result.repeat, result.seed))) is not None
        and (differences := _differences(result, other)) is not None
    ]
    if not found:
        return None
    means = [float(each.mean()) for each in found]
    within = fmean(float(each.var(ddof=1)) / len(each) for each in found)
    between = (1.0 - overlap) * within
    if len(found) > 1:
        between = max(between, variance(means))
    return Paired(
        mean=fmean(means),
        standard_error=math.sqrt(between / len(found) + overlap * within),
        rows=sum(map(len, found)),
        repeats=len(found),
    )


def overlap_of(fit: FitSpec) -> float:
    """The share of its validation rows that a repeat has in common with another, on average."""
    return 1.0 if fit.split == "last" else fit.validation_split


def _differences(one: TrialResult, other: TrialResult) -> "NDArray[np.float64] | None":
    # Imported when the first trials are compared: the API need not wait for NumPy at its start.
    import numpy as np  # noqa: PLC0415

    if one.row_losses is None or other.row_losses is None:
        return None
    if one.row_losses.shape != other.row_losses.shape or len(one.row_losses) < _LEAST_ROWS:
        return None
    if _yardstick(one.changes) != _yardstick(other.changes):
        return None
    losses = np.asarray((one.row_losses, other.row_losses), dtype=np.float64)
    return losses[0] - losses[1] if np.isfinite(losses).all() else None


def _yardstick(changes: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Those of the changes by which losses stop being comparable."""
    return {path: value for path, value in changes.items() if any(_touched(path))}


def _touched(path: str) -> Iterator[bool]:
    """Whether a path is one of the yardsticks, leads to one, or lies within one."""
    for yardstick in _YARDSTICKS:
        within = f"{path}.".startswith(f"{yardstick}.") and path != _NO_YARDSTICK
        yield within or yardstick.startswith(f"{path}.")
