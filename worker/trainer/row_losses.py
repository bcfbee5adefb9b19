"""What each validation row costs by a trained network, for comparisons row by row.

The network is called as it is, in large batches. A graph would have to be traced for every trial,
which takes longer than the whole of a small training.
"""

from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from models.specs.losses import AnyLoss
from models.trial import MAX_ROW_LOSSES
from worker.messages import RowLosses
from worker.trainer.optimizer import loss
from worker.trainer.rows import Rows
from worker.trainer.work import VALUE_BYTES, values

# Outside a graph the outputs of all layers are there at a time: of a convolutional net a hundred
# times the inputs. Layers may need as much again within themselves.
BATCH_BYTES = 64 << 20
BATCH_ROWS = 8192


def of_network(
    network: keras.Model, spec: AnyLoss, rows: Rows, between: Callable[[], None]
) -> RowLosses | None:
    """The losses of the first MAX_ROW_LOSSES rows; None where there are no rows.

    Their mean, where these are all, is the `val_loss` of Keras's `evaluate` less what regularizers
    add: that is the same for every row.

    Args:
        network: as it is handed out.
        spec: its loss, resolved.
        rows: that validate, in an order that all trials of a repeat share.
        between: called before each batch; stops this by raising.
    """
    if not len(rows):
        return None
    unreduced = loss(spec, reduction="none")
    count = min(len(rows), MAX_ROW_LOSSES)
    step = max(1, min(BATCH_ROWS, BATCH_BYTES // (VALUE_BYTES * values(network))))
    found = np.empty(count, dtype="<f4")
    for begin in range(0, count, step):
        between()
        batch = slice(begin, min(begin + step, count))
        found[batch] = _losses(network, unreduced, rows, batch)
    return RowLosses(rows=len(rows), values=found.tobytes())


def _losses(
    network: keras.Model, unreduced: keras.Loss, rows: Rows, batch: slice
) -> NDArray[np.float32]:
    """Of a batch, (rows,). An output of several axes has a loss at each place: their mean."""
    x, y, *_ = rows.take(batch)
    found = keras.ops.convert_to_numpy(unreduced(y, network(x, training=False)))
    mean: NDArray[np.float32] = found.reshape(len(x), -1).mean(axis=1)
    return mean
