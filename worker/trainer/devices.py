"""Where a network is trained: on one device, or on several that share every batch.

On several, each holds all rows and a copy of the network, computes its share of a batch, and the
gradients are summed. The numbers are those of one device. Where Keras's own way under
`tf.distribute` would change them, it is mended here: batches that cannot be shared evenly, and
optimizers that look at gradients before these are summed.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from worker.trainer.rows import Batch

Held = tuple[tf.Tensor, ...]
"""A batch on the device, or on each of several."""
Step = Callable[[Held], Mapping[str, tf.Tensor]]
Placed = Callable[[Held, tf.Tensor], tf.Tensor]
"""Runs a step on the rows of these numbers; gives the loss so far, of no exact meaning but whether
it is finite."""


class Placement(Protocol):
    """One device, or several."""

    @property
    def devices(self) -> int:
        """How many."""
        ...

    def scope(self) -> AbstractContextManager[object]:
        """Where a network for this placement is built and compiled."""
        ...

    def put(self, batch: Batch) -> Held:
        """Bring rows to where they are used."""
        ...

    def signature(self, example: Batch) -> tuple[Any, ...]:
        """The type of what put makes of any number of such rows."""
        ...

    def prepare(self, network: keras.Model, example: Batch) -> None:
        """Have Keras make the metrics of a network that was compiled in scope.

        Keras makes them with the first batch. A graph that finds them there is traced once instead
        of twice, and knows all that it resets.
        """
        ...

    def place(self, network: keras.Model, step: Step) -> Placed:
        """One of its steps, for a graph, once it is prepared."""
        ...

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function that changes nothing, in a graph, where the variables are.

        Args:
            function: tensors to tensors.
            arguments: tensors, and what was put.
        """
        ...


class OneDevice:
    """The device that TensorFlow takes by itself."""

    devices = 1

    def scope(self) -> AbstractContextManager[object]:
        """Nothing special."""
        return nullcontext()

    def put(self, batch: Batch) -> Held:
        """Copy it there."""
        return tuple(tf.constant(part) for part in batch)

    def signature(self, example: Batch) -> tuple[Any, ...]:
        """Tensors with any number of rows."""
        return tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in example)

    def prepare(self, network: keras.Model, example: Batch) -> None:
        """Let it measure one row."""
        x, y, *weights = (tf.constant(part[:1]) for part in example)
        network.compute_metrics(x, y, network(x), *weights)

    def place(self, network: keras.Model, step: Step) -> Placed:
        """The step as it is."""
        del network
        return lambda batch, which: _loss(step, batch, which)

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Just that."""
        return function(*arguments)


ONE_DEVICE = OneDevice()


class Mirrored:
    """Several devices under `tf.distribute.MirroredStrategy`.

    Args:
        names: of at least two logical devices.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._strategy = tf.distribute.MirroredStrategy(self._names)

    @property
    def devices(self) -> int:
        """How many."""
        return len(self._names)

    def scope(self) -> AbstractContextManager[object]:
        """Variables made here have a copy on each device."""
        scope: AbstractContextManager[object] = self._strategy.scope()
        return scope

    def put(self, batch: Batch) -> Held:
        """Copy all of it to each device: any row may be in any share."""
        return tuple(self._copies(part) for part in batch)

    def signature(self, example: Batch) -> tuple[Any, ...]:
        """Found by comparing one row with two, because the type has no public name."""
        one, two = (
            self.put(tuple(np.repeat(part[:1], rows, axis=0) for part in example))
            for rows in (1, 2)
        )
        return tuple(
            tf.type_spec_from_value(a).most_specific_common_supertype([tf.type_spec_from_value(b)])
            for a, b in zip(one, two, strict=True)
        )

    def prepare(self, network: keras.Model, example: Batch) -> None:
        """Let every device measure one row, and the optimizer see whole gradients."""
        row = tuple(tf.constant(part[:1]) for part in example[:2])
        self._strategy.run(network.test_step, args=(row,))
        if _judges_gradients(network.optimizer):
            _hand_it_sums(network.optimizer)

    def place(self, network: keras.Model, step: Step) -> Placed:
        """The step on every device at once, each with its share."""
        metrics = [variable for metric in network.metrics for variable in metric.variables]

        def share(batch: Held, which: tf.Tensor) -> tf.Tensor:
            """What one replica does.

            Of a batch that cannot be shared evenly each takes all rows: Keras weighs replicas
            alike, so that this alone has the right gradient. One replica's metrics count then.
            """
            replica = tf.distribute.get_replica_context()
            number = tf.cast(replica.replica_id_in_sync_group, tf.int32)
            rows, count = tf.size(which), replica.num_replicas_in_sync
            even = rows % count == 0
            begin = tf.where(even, number * (rows // count), 0)
            size = tf.where(even, rows // count, rows)
            before = [tf.identity(variable.value) for variable in metrics]
            loss = _loss(step, batch, tf.slice(which, [begin], [size]))
            counts = even | (number == 0)
            for variable, value in zip(metrics, before, strict=True):
                variable.assign(tf.where(counts, variable.value, value))
            return loss

        def everywhere(batch: Held, which: tf.Tensor) -> tf.Tensor:
            losses = self._strategy.run(share, args=(batch, which))
            return tf.add_n(self._strategy.experimental_local_results(losses))

        return everywhere

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Every device answers, with all rows; the first is heard."""
        answers = self._strategy.run(function, args=arguments)
        return tf.nest.map_structure(
            lambda answer: self._strategy.experimental_local_results(answer)[0], answers
        )

    def _copies(self, part: Any) -> tf.Tensor:
        def copy(context: Any) -> tf.Tensor:
            with tf.device(self._names[context.replica_id_in_sync_group]):
                return tf.constant(part)

        return self._strategy.experimental_distribute_values_from_function(copy)


def names() -> tuple[str, ...]:
    """The devices of the kind that is trained on: the GPUs, or else the CPU.

    There is one CPU, unless somebody has divided it, as tests do.
    """
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tuple(device.name for device in found)


@cache
def placement(devices: int) -> Placement:
    """The first devices, so many."""
    return ONE_DEVICE if devices == 1 else Mirrored(names()[:devices])


def _loss(step: Step, batch: Held, which: tf.Tensor) -> tf.Tensor:
    logs = step(tuple(tf.gather(part, which) for part in batch))
    return tf.cast(logs["loss"], tf.float32)


def _judges_gradients(optimizer: Any) -> bool:
    """Whether it clips, or skips a step, by gradients that Keras has not summed by then."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return True
    return any((optimizer.clipnorm, optimizer.clipvalue, optimizer.global_clipnorm))


def _hand_it_sums(optimizer: Any) -> None:
    """Give the first replica the sums, and the others nothing to add when Keras sums again.

    By the first replica alone Keras decides whether a step with a scaled loss is skipped.
    """
    apply = optimizer.apply

    def of_sums(gradients: list[tf.Tensor], trainable_variables: Any = None) -> None:
        replica = tf.distribute.get_replica_context()
        first = replica.replica_id_in_sync_group == 0
        sums = replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        handed = [tf.where(first, each, tf.zeros_like(each)) for each in sums]
        apply(handed, trainable_variables)

    optimizer.apply = of_sums
