"""Rows of an array dataset that stay in its files, and are prepared as they are taken.

What is taken is the same to the last bit whenever, in whichever order and with whichever other rows
it is taken, so nothing in a training depends on how much of the rows is in memory.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.specs.losses import Encoding
from worker.trainer.inputs import ArrayInputs
from worker.trainer.labels import Target
from worker.trainer.rows import Batch, Which
from worker.trainer.split import Indices

# Prepared rows that are read at once; they stay in a core's cache until they are where they belong.
PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRows:
    """Rows in a file.

    Attributes:
        x: all rows of the dataset, mapped from the file, raw.
        numbers: which of them these are, ascending.
        inputs: prepares them.
        shape: that each then takes.
        target: of all rows of the dataset; encoded as rows are taken, because one-hot labels may
            be larger than x.
        encoding: that the loss wants.
        weights: of these rows in the loss, float32; None where all count the same.
    """

    x: NDArray[np.generic]
    numbers: Indices
    inputs: ArrayInputs
    shape: tuple[int, ...]
    target: Target
    encoding: Encoding
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, which: Which) -> Batch:
        """These rows, read and prepared."""
        numbers = self.numbers[which]
        batch = (_gathered(numbers, self._inputs), _gathered(numbers, self._targets))
        return batch if self.weights is None else (*batch, self.weights[which])

    def _inputs(self, numbers: Indices) -> NDArray[np.generic]:
        return self.inputs(self.x[numbers]).reshape(-1, *self.shape)

    def _targets(self, numbers: Indices) -> NDArray[np.generic]:
        return self.target.encoded(numbers, self.encoding)


def _gathered(
    numbers: Indices, read: Callable[[Indices], NDArray[np.generic]]
) -> NDArray[np.generic]:
    """Rows in this order, read in the order of the file: a disk reads forward fastest."""
    first = read(numbers[:1])
    gathered = np.empty((len(numbers), *first.shape[1:]), first.dtype)
    forward = np.argsort(numbers, kind="stable")
    step = max(1, PIECE_BYTES // max(1, first.nbytes))
    for start in range(0, len(forward), step):
        piece = forward[start : start + step]
        gathered[piece] = read(numbers[piece])
    return gathered
