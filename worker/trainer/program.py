"""Keras's own steps, compiled to run many batches in one call, over rows that lie on the device.

`keras.Model.fit` calls Python for every batch, which costs a small network more than its training.
Here the loop over batches is part of the graph; what a step computes is Keras's business still, so
the numbers are Keras's. Whoever runs steps decides what is done between two calls.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from worker.trainer.devices import ONE_DEVICE, Held, Placed, Placement
from worker.trainer.feed import Portion
from worker.trainer.gauge import Gauge
from worker.trainer.rows import Batch

# About how long one call may take: a stop is asked for between two, and has to come within 3 s.
CALL_SECONDS = 0.5
# How much longer a call may become than the one before, whose time may say little.
GROWTH = 8

# Validation batches are bounded by memory alone. Of a convolutional net the activations weigh a
# hundred times the inputs, so 4 MiB of inputs may become half a GiB.
VALIDATION_BYTES = 4 * 2**20
VALIDATION_ROWS = 8192

Logs = dict[str, float]
Numbers = NDArray[Any]
Graph = Callable[..., tuple[tf.Tensor, Mapping[str, tf.Tensor]]]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a call came to.

    Attributes:
        stop: number of the first step of the portion that was not run.
        logs: the metrics since they were last reset.
    """

    stop: int
    logs: Logs


class Steps:
    """One of a network's steps, for batch after batch of a portion.

    Args:
        network: whose metrics they are, all of them made.
        step: its `train_step` or `test_step`, placed.
        batch_size: rows a step; a portion's last step takes what is left.
        signature: of the rows.
        xla: whether XLA compiles it. It wants to know every shape, so a smaller batch has a graph
            of its own.
    """

    def __init__(
        self,
        network: keras.Model,
        step: Placed,
        *,
        batch_size: int,
        signature: tuple[Any, ...],
        xla: bool,
    ) -> None:
        self._network = network
        self._step = step
        self._batch_size = batch_size
        self._signature = signature
        self._xla = xla
        self._graphs: dict[int, Graph] = {}
        self._at_once = 1

    def count(self, portion: Portion) -> int:
        """How many steps a portion takes."""
        return -(-len(portion) // self._batch_size)

    def run(
        self,
        portion: Portion,
        begin: int,
        *,
        fresh: bool,
        at_most: int | None = None,
        finite: bool = False,
    ) -> Ran:
        """Run steps from number `begin` on, for about CALL_SECONDS.

        Args:
            portion: of at least one row.
            begin: less than its count of steps.
            fresh: begin the metrics anew.
            at_most: so many steps.
            finite: stop after a step that leaves a loss which is not finite.
        """
        started = time.perf_counter()
        stop = min(self.count(portion), begin + min(self._at_once, at_most or self._at_once))
        size, order, skipped = self._batch_size, portion.order, 0
        whole = len(portion) // size
        if self._xla and begin < whole:
            stop = min(stop, whole)
        elif self._xla:
            order, skipped = order[whole * size :], whole
            size = len(order)
        # One small tensor: every other argument costs a small network time.
        call = tf.constant((begin - skipped, stop - skipped, fresh, finite), tf.int32)
        end, logs = self._graph(size)(portion.batch, order, call)
        ran = Ran(int(end) + skipped, {name: float(value) for name, value in logs.items()})
        self._learn(ran.stop - begin, time.perf_counter() - started)
        return ran

    def _learn(self, steps: int, seconds: float) -> None:
        fitting = int(steps * CALL_SECONDS / seconds)
        self._at_once = max(1, min(fitting, self._at_once * GROWTH))

    def _graph(self, size: int) -> Graph:
        if size not in self._graphs:
            self._graphs[size] = self._traced(size)
        return self._graphs[size]

    def _traced(self, size: int) -> Graph:
        """The graph for steps of so many rows."""

        def graph(
            batch: Held, order: tf.Tensor, call: tf.Tensor
        ) -> tuple[tf.Tensor, Mapping[str, tf.Tensor]]:
            begin, stop, fresh, finite = tf.unstack(call, 4)

            def goes_on(number: tf.Tensor, loss: tf.Tensor) -> tf.Tensor:
                return (number < stop) & ((finite == 0) | tf.math.is_finite(loss))

            def one(number: tf.Tensor, loss: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                del loss
                first = number * size
                # A slice ends where the order does; XLA's are all of one size.
                which = (
                    tf.slice(order, [first], [size]) if self._xla else order[first : first + size]
                )
                return number + 1, self._step(batch, which)

            tf.cond(fresh > 0, self._reset, lambda: tf.constant(0))
            end, _ = tf.while_loop(goes_on, one, (begin, tf.constant(0.0)), parallel_iterations=1)
            return end, self._network.get_metrics_result()

        compiled: Any = tf.function(graph, autograph=False, jit_compile=self._xla)
        traced: Graph = compiled.get_concrete_function(
            self._signature, tf.TensorSpec((None,), tf.int32), tf.TensorSpec((4,), tf.int32)
        )
        return traced

    def _reset(self) -> tf.Tensor:
        self._network.reset_metrics()
        return tf.constant(0)


class Program:
    """A network that is compiled once and may be trained again and again, from new weights.

    Args:
        network: compiled, its optimizer built.
        batch_size: rows a training step.
        example: a training batch of at least one row, for its types and shapes.
        xla: whether XLA compiles the training. Validation, a forward pass in large batches, gains
            too little.
        placement: in whose scope the network was built and compiled.

    Attributes:
        train, test: the steps.
        gauge: shows the state of the network.
        batch_size, test_batch_size: rows a step.
        placement: where it is trained.
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        batch_size: int,
        example: Batch,
        xla: bool = False,
        placement: Placement = ONE_DEVICE,
    ) -> None:
        row_bytes = max(1, example[0][:1].nbytes)
        self.network = network
        self.placement = placement
        self.batch_size = batch_size
        self.test_batch_size = max(1, min(VALIDATION_ROWS, VALIDATION_BYTES // row_bytes))
        placement.prepare(network, example)
        unweighted = placement.signature(example[:2])
        self._optimizer_state = [_compact(each.numpy()) for each in network.optimizer.variables]
        self.train = Steps(
            network,
            placement.place(network, network.train_step),
            batch_size=batch_size,
            signature=placement.signature(example),
            xla=xla,
        )
        self.test = Steps(
            network,
            placement.place(network, network.test_step),
            batch_size=self.test_batch_size,
            signature=unweighted,
            xla=False,
        )
        self.gauge = Gauge(network, placement, unweighted)

    @property
    def bytes(self) -> int:
        """What its variables take."""
        return sum(
            math.prod(each.shape) * np.dtype(each.dtype).itemsize for each in _state(self.network)
        )

    def begin_anew(self, fresh: keras.Model, rate: float | None) -> None:
        """Become as untrained as another network.

        Args:
            fresh: of the same layers; it need not be compiled.
            rate: what its optimizer learns with; None where that is a schedule.
        """
        optimizer = self.network.optimizer
        for mine, initial in zip(self.network.weights, fresh.weights, strict=True):
            mine.assign(initial)
        for mine, state in zip(optimizer.variables, self._optimizer_state, strict=True):
            mine.assign(np.broadcast_to(state, mine.shape))
        if rate is not None:
            optimizer.learning_rate = rate


def _compact(state: Numbers) -> Numbers:
    """A single number for all that an optimizer sets to the same, as it does with its momenta."""
    first = np.asarray(state.flat[0])
    return first if (state == first).all() else state


def _state(network: keras.Model) -> list[keras.Variable]:
    return [*network.weights, *network.optimizer.variables]
