"""The epochs of one training: Keras's own steps and callbacks in a loop of ours.

The numbers are those of `keras.Model.fit` for the same initial weights and batch order. `fit`
itself is not used because it cannot be stopped between two batches from outside, reports only
through callbacks, and pays more bookkeeping a batch than small networks pay for training. Only
`_train_epoch` and `_validate` touch rows; how fast an epoch is, is decided there.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.lifecycle import StopReason
from worker.messages import Ending, Epoch
from worker.trainer.randomness import Reseed, order

# Validation batches are bounded by memory alone. Of a convolutional net the activations weigh a
# hundred times the inputs, so 4 MiB of inputs may become half a GiB.
VALIDATION_BYTES = 4 * 2**20
VALIDATION_ROWS = 8192
# The probe on which the untrained network's loss is measured: a few batches, enough to
# be told apart from one that ran away.
PROBE_ROWS = 2048

Batch = tuple[NDArray[np.generic], ...]
"""x and y, and the rows' weights where they have any."""
Steps = Mapping[str, tf.Tensor]
"""The metrics so far in this epoch, as a step returns them."""
Logs = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Prepared rows.

    Attributes:
        x: inputs, one row each along the first axis; may be mapped from a file.
        y: targets, as many.
        weights: of each row in the loss, float32; None where all count the same.
    """

    x: NDArray[np.generic]
    y: NDArray[np.generic]
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, which: NDArray[np.intp] | slice) -> Batch:
        """The batch of these rows, as a step takes it."""
        batch = (self.x[which], self.y[which])
        return batch if self.weights is None else (*batch, self.weights[which])


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How a training goes.

    Attributes:
        epochs: at most.
        batch_size: rows a step; the last batch of an epoch may be smaller.
        seed: of batch order and random layers.
        shuffle: False trains the rows as they come.
    """

    epochs: int
    batch_size: int
    seed: int
    shuffle: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where between two epochs a training stands.

    Attributes:
        epoch: the last one that was trained; 0 before the first.
        ending: how the training ended with it; None when it goes on.
    """

    epoch: int = 0
    ending: Ending | None = None


BEGINNING = Position()


def _nothing(*_: object) -> None:
    """Nobody wants to know."""


class Loop:
    """Trains a compiled network.

    Args:
        network: built and compiled.
        training, validation: the rows; no validation leaves the val_ metrics out. As in Keras,
            class weights do not count in validation, so its rows have none.
        schedule: how it goes.
        callbacks: Keras's; EarlyStopping and the like.
        between: called between two batches, of validation too; stops the training by raising.
        on_epoch: called with every epoch's row as soon as it is known.
        after_epoch: called when an epoch's callbacks are through. All that the epoch has changed is
            then in the variables of network and optimizer, the callbacks, and this position.
        xla: whether XLA compiles the steps.
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        training: Rows,
        validation: Rows | None,
        schedule: Schedule,
        callbacks: list[keras.callbacks.Callback],
        between: Callable[[], None] = _nothing,
        on_epoch: Callable[[Epoch], None] = _nothing,
        after_epoch: Callable[[Position], None] = _nothing,
        xla: bool = False,
    ) -> None:
        self._network = network
        self._training = training
        self._validation = validation
        self._schedule = schedule
        self._between = between
        self._on_epoch = on_epoch
        self._after_epoch = after_epoch
        self._callbacks = keras.callbacks.CallbackList(
            [Reseed(schedule.seed), *callbacks],
            add_history=True,
            model=network,
            epochs=schedule.epochs,
            steps=math.ceil(len(training) / schedule.batch_size),
        )
        self._train_step = _compiled(network.train_step, training, xla=xla)
        self._test_step = _compiled(network.test_step, Rows(x=training.x, y=training.y), xla=xla)

    def initial_loss(self) -> float:
        """The loss of the network as it is, on the first PROBE_ROWS training rows."""
        probe = Rows(x=self._training.x[:PROBE_ROWS], y=self._training.y[:PROBE_ROWS])
        return self._evaluate(probe)["loss"]

    def run(self, position: Position = BEGINNING, restore: Callable[[], None] = _nothing) -> Ending:
        """Train until the last epoch, until a callback stops it, or until the loss is not finite.

        Args:
            position: where to go on. Where the training has ended already, nothing is trained, but
                callbacks still learn of the end: EarlyStopping restores the best weights there.
            restore: gives the callbacks their state of that position. It is called when the
                training has begun for them, because there they forget.
        """
        network, callbacks = self._network, self._callbacks
        network.stop_training = False
        callbacks.on_train_begin()
        restore()
        while position.ending is None:
            position = self._epoch(position.epoch)
            self._after_epoch(position)
        network.optimizer.finalize_variable_values(network.trainable_weights)
        callbacks.on_train_end()
        return position.ending

    def _epoch(self, epoch: int) -> Position:
        """One epoch, numbered from 0 as callbacks count, with all that belongs to it."""
        network, callbacks = self._network, self._callbacks
        begun = time.perf_counter()
        callbacks.on_epoch_begin(epoch)
        logs = self._train_epoch(epoch) | self._validate()
        self._on_epoch(
            Epoch(
                epoch=epoch + 1,
                metrics=logs,
                # Read before ReduceLROnPlateau sets the next epoch's rate.
                learning_rate=_shortest(network.optimizer.learning_rate),
                seconds=time.perf_counter() - begun,
            )
        )
        callbacks.on_epoch_end(epoch, logs)
        return Position(epoch=epoch + 1, ending=self._ending(epoch + 1, logs["loss"]))

    def _ending(self, trained: int, loss: float) -> Ending | None:
        if not math.isfinite(loss):
            return StopReason.DIVERGED
        if self._network.stop_training:
            return StopReason.EARLY_STOPPED
        return StopReason.COMPLETED if trained >= self._schedule.epochs else None

    def _train_epoch(self, epoch: int) -> Logs:
        """One pass over the training rows; shorter when a callback stops the training."""
        network, callbacks = self._network, self._callbacks
        network.reset_metrics()
        logs: Steps = {}
        for number, batch in enumerate(self._batches(epoch)):
            self._between()
            callbacks.on_train_batch_begin(number)
            logs = self._train_step(*batch)
            callbacks.on_train_batch_end(number, logs)
            if network.stop_training:
                break
        return _numbers(logs)

    def _validate(self) -> Logs:
        if self._validation is None:
            return {}
        logs = self._evaluate(self._validation)
        return {f"val_{name}": value for name, value in logs.items()}

    def _evaluate(self, rows: Rows) -> Logs:
        self._network.reset_metrics()
        size = _rows_at_once(rows)
        logs: Steps = {}
        for begin in range(0, len(rows), size):
            self._between()
            logs = self._test_step(*rows.take(slice(begin, begin + size)))
        return _numbers(logs)

    def _batches(self, epoch: int) -> Iterator[Batch]:
        schedule, rows = self._schedule, self._training
        which = (
            order(schedule.seed, epoch, len(rows))
            if schedule.shuffle
            else np.arange(len(rows), dtype=np.intp)
        )
        for begin in range(0, len(rows), schedule.batch_size):
            yield rows.take(which[begin : begin + schedule.batch_size])


def _compiled(step: Callable[[Batch], Steps], rows: Rows, *, xla: bool) -> Callable[..., Steps]:
    """One of Keras's steps as a graph for batches of any size, so that it is traced only once."""
    example = rows.take(slice(0, 1))
    signature = [tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in example]
    compiled: Callable[..., Steps] = tf.function(
        lambda *batch: step(batch), input_signature=signature, autograph=False, jit_compile=xla
    )
    return compiled


def _rows_at_once(rows: Rows) -> int:
    bytes_each = max(1, rows.x[:1].nbytes)
    return max(1, min(VALIDATION_ROWS, VALIDATION_BYTES // bytes_each))


def _numbers(logs: Steps) -> Logs:
    return {name: float(value) for name, value in logs.items()}


def _shortest(rate: object) -> float:
    """A 32-bit rate as a person wrote it: 0.01, not 0.009999999776482582."""
    return float(str(np.float32(keras.ops.convert_to_numpy(rate))))
