"""The epochs of one training: Keras's own steps and callbacks in a loop of ours.

The numbers are those of `keras.Model.fit` for the same initial weights and batch order. `fit`
itself is not used because it cannot be stopped between two batches from outside, reports only
through callbacks, and pays more bookkeeping a batch than small networks pay for training. Here
callbacks hear of many batches at once, as with Keras's own `steps_per_execution`, unless one of
them wants to hear of each.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from models.lifecycle import StopReason
from worker.messages import Ending, Epoch
from worker.trainer.feed import RESIDENT_BYTES, Feed
from worker.trainer.program import Logs, Program
from worker.trainer.randomness import Reseed, order
from worker.trainer.rows import FirstRows, Rows

# The probe on which the untrained network's loss is measured: a few batches, enough to
# be told apart from one that ran away.
PROBE_ROWS = 2048

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How a training goes.

    Attributes:
        epochs: at most.
        seed: of batch order and random layers.
        shuffle: False trains the rows as they come.
    """

    epochs: int
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


def _never() -> bool:
    """Nobody ends it before its time."""
    return False


class Loop:
    """Trains a compiled network.

    Args:
        program: the network, and the graphs that train it.
        training, validation: the rows; no validation leaves the val_ metrics out. As in Keras,
            class weights do not count in validation, so its rows have none.
        schedule: how it goes.
        callbacks: Keras's; EarlyStopping and the like.
        before_epoch: called before an epoch changes anything.
        between: called about every half second, between two batches, of validation too; stops the
            training by raising.
        on_epoch: called with every epoch's row as soon as it is known.
        enough: asked at the end of every epoch: whether that was the last one, though the training
            has not come to its end.
        after_epoch: called when an epoch's callbacks are through. All that the epoch has changed is
            then in the variables of network and optimizer, the callbacks, and this position.
        resident_bytes: up to which the rows of each kind stay on the device.
    """

    def __init__(
        self,
        program: Program,
        *,
        training: Rows,
        validation: Rows | None,
        schedule: Schedule,
        callbacks: list[keras.callbacks.Callback],
        before_epoch: Callable[[], None] = _nothing,
        between: Callable[[], None] = _nothing,
        on_epoch: Callable[[Epoch], None] = _nothing,
        enough: Callable[[], bool] = _never,
        after_epoch: Callable[[Position], None] = _nothing,
        resident_bytes: int = RESIDENT_BYTES,
    ) -> None:
        self._program = program
        self._network = program.network
        self._probe = FirstRows(training, PROBE_ROWS)
        self._resident_bytes = resident_bytes
        self._training = self._feed(training, program.batch_size)
        self._validation = (
            None if validation is None else self._feed(validation, program.test_batch_size)
        )
        self._schedule = schedule
        self._before_epoch = before_epoch
        self._between = between
        self._on_epoch = on_epoch
        self._enough = enough
        self._after_epoch = after_epoch
        self._callbacks = keras.callbacks.CallbackList(
            [Reseed(schedule.seed), *callbacks],
            add_history=True,
            model=program.network,
            epochs=schedule.epochs,
            steps=math.ceil(len(training) / program.batch_size),
        )
        self._at_most = 1 if any(map(_hears_of_batches, callbacks)) else None
        self._finite = any(isinstance(each, keras.callbacks.TerminateOnNaN) for each in callbacks)

    def initial_loss(self) -> float:
        """The loss of the network as it is, on the first PROBE_ROWS training rows."""
        return self._evaluate(self._feed(self._probe, self._program.test_batch_size))["loss"]

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
        self._before_epoch()
        begun = time.perf_counter()
        callbacks.on_epoch_begin(epoch)
        logs = self._train_epoch(epoch) | self._validate()
        self._on_epoch(
            Epoch(
                epoch=epoch + 1,
                metrics=logs,
                # Read before ReduceLROnPlateau sets the next epoch's rate.
                learning_rate=_last_rate(network.optimizer),
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
        if trained >= self._schedule.epochs:
            return StopReason.COMPLETED
        return StopReason.PRUNED if self._enough() else None

    def _train_epoch(self, epoch: int) -> Logs:
        """One pass over the training rows; shorter when a callback stops the training."""
        schedule, rows = self._schedule, len(self._training)
        which = order(schedule.seed, epoch, rows) if schedule.shuffle else np.arange(rows)
        steps = self._program.train
        logs: Logs = {}
        done = 0
        for portion in self._training.portions(which):
            begin, count = 0, steps.count(portion)
            while begin < count:
                self._between()
                self._callbacks.on_train_batch_begin(done + begin)
                ran = steps.run(
                    portion,
                    begin,
                    fresh=not logs,
                    at_most=self._at_most,
                    finite=self._finite,
                )
                begin, logs = ran.stop, ran.logs
                self._callbacks.on_train_batch_end(done + begin - 1, logs)
                if self._network.stop_training:
                    return logs
            done += count
        return logs

    def _feed(self, rows: Rows, batch_size: int) -> Feed:
        return Feed(rows, batch_size, self._program.placement.put, self._resident_bytes)

    def _validate(self) -> Logs:
        if self._validation is None:
            return {}
        self._callbacks.on_test_begin()
        logs = self._evaluate(self._validation)
        self._callbacks.on_test_end(logs)
        return {f"val_{name}": value for name, value in logs.items()}

    def _evaluate(self, rows: Feed) -> Logs:
        steps = self._program.test
        logs: Logs = {}
        for portion in rows.portions(np.arange(len(rows))):
            begin, count = 0, steps.count(portion)
            while begin < count:
                self._between()
                ran = steps.run(portion, begin, fresh=not logs)
                begin, logs = ran.stop, ran.logs
        return logs


def _hears_of_batches(callback: keras.callbacks.Callback) -> bool:
    """Whether it has to be called for every batch. TerminateOnNaN has not: the graph looks too."""
    if type(callback) is keras.callbacks.TerminateOnNaN:
        return False
    return any(
        getattr(getattr(callback, name), "__func__", None)
        is not getattr(keras.callbacks.Callback, name)
        for name in _BATCH_HOOKS
    )


def _last_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """The rate of its last step, 32 bits as a person wrote it: 0.01, not 0.009999999776482582.

    Keras's own answer is, of a schedule, the rate of the step that comes next.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # with a scaled loss
    rate = inner._learning_rate  # noqa: SLF001 - there is no other way to the schedule
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = rate(inner.iterations - 1)
    return float(str(np.float32(rate.numpy())))
