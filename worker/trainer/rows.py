"""The rows that a network is trained on or validated with, prepared, wherever they lie."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Which = NDArray[np.intp] | slice
Batch = tuple[NDArray[np.generic], ...]
"""x and y, and the rows' weights where they have any; as many of each."""


class Rows(Protocol):
    """Prepared rows, of which any may be had in any order."""

    def __len__(self) -> int: ...

    def take(self, which: Which) -> Batch:
        """These rows, as a step takes them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRows:
    """Rows in memory.

    Attributes:
        x: inputs, one row each along the first axis.
        y: targets, as many.
        weights: of each row in the loss, float32; None where all count the same.
    """

    x: NDArray[np.generic]
    y: NDArray[np.generic]
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, which: Which) -> Batch:
        """These rows; a slice copies nothing."""
        batch = (self.x[which], self.y[which])
        return batch if self.weights is None else (*batch, self.weights[which])


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The first of other rows, without weights.

    Attributes:
        rows: any.
        most: how many of them at most.
    """

    rows: Rows
    most: int

    def __len__(self) -> int:
        return min(self.most, len(self.rows))

    def take(self, which: Which) -> Batch:
        """These rows."""
        return self.rows.take(np.arange(len(self))[which])[:2]
