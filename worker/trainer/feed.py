"""Brings rows to the device: all at once where they fit, else portion by portion, a step ahead.

Which rows make up a batch never depends on that, nor does any number of a training.

What fits is a share of what the trainer may take, a fixed number and no look at what is free, so
that a trial takes the same way each time. On a GPU rows take its own memory, of which the network
needs most, so it is a number of bytes there.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from worker.trainer.devices import ONE_DEVICE, Held
from worker.trainer.rows import Batch, Rows

Order = NDArray[np.intp]

# What prepared rows may take, per kind (training, validation): of the trainer's memory when it
# trains on a CPU, where all rows are there twice while they are copied, beside TensorFlow itself
# (0.4 GiB) and the programs that are kept; and of a GPU's, or where nobody says how much memory
# there is.
RESIDENT_SHARE = 1 / 8
RESIDENT_BYTES = 1 << 30
# Of larger ones, two portions are there at a time, the one in use and the next, and a third while
# they change places.
PORTION_BYTES = 128 << 20


@dataclass(frozen=True, slots=True)
class Portion:
    """Rows on the device, and the order in which steps take them.

    Attributes:
        batch: x, y and perhaps weights, (rows, ...); on each device where there are several.
        order: int32, row numbers in the batch.
    """

    batch: Held
    order: tf.Tensor

    def __len__(self) -> int:
        return int(self.order.shape[0])


def resident_bytes(memory_bytes: int | None, device: str) -> int:
    """How large rows of a kind may be and still lie on the device as a whole.

    Args:
        memory_bytes: that the trainer may take; None when nobody says.
        device: "cpu", or a GPU's name.
    """
    if memory_bytes is None or device != "cpu":
        return RESIDENT_BYTES
    return int(RESIDENT_SHARE * memory_bytes)


class Feed:
    """Rows on their way to the device, in portions of whole batches. Those that fit go at once.

    Args:
        rows: at least one.
        batch_size: of the steps that take them; no batch is spread over two portions.
        put: brings rows to the device.
        resident_bytes: up to which all rows stay on the device.
    """

    def __init__(
        self,
        rows: Rows,
        batch_size: int,
        put: Callable[[Batch], Held] = ONE_DEVICE.put,
        resident_bytes: int = RESIDENT_BYTES,
    ) -> None:
        self._rows = rows
        self._put = put
        row_bytes = sum(part.nbytes for part in rows.take(slice(0, 1)))
        fits = len(rows) * row_bytes <= resident_bytes
        self._all = put(rows.take(slice(None))) if fits else None
        self._portion_rows = max(1, PORTION_BYTES // (row_bytes * batch_size)) * batch_size

    def __len__(self) -> int:
        return len(self._rows)

    def portions(self, order: Order) -> Iterator[Portion]:
        """The rows in this order."""
        if self._all is not None:
            yield Portion(self._all, tf.constant(order, tf.int32))
            return
        pieces = [
            order[begin : begin + self._portion_rows]
            for begin in range(0, len(order), self._portion_rows)
        ]
        for piece, batch in zip(pieces, _ahead(self._rows, pieces, self._put), strict=True):
            yield Portion(batch, tf.range(len(piece), dtype=tf.int32))


def _ahead(rows: Rows, pieces: Sequence[Order], put: Callable[[Batch], Held]) -> Iterator[Held]:
    """Bring one piece after the other; each is read while the one before is in use."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="feed") as reader:
        coming = reader.submit(rows.take, pieces[0])
        for following in (*pieces[1:], None):
            batch = put(coming.result())
            if following is not None:
                coming = reader.submit(rows.take, following)
            yield batch
