"""The one pass that shows the state of a network, layer by layer: outputs, gradients, weights.

Compiled when it is first wanted and kept with the program, so later trials of the same shape do not
pay for that. Nothing of the network changes: no weight, no metric, no random state. The graph does
what is large; what it leaves is small, and reckoned with outside, because every operation of a
graph costs as much to trace as a small network's epoch to train.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from worker.trainer.devices import Held, Placement

# tanh(3) and sigmoid(4.6): beyond, the slope is below 0.01.
FLAT_TANH = 0.99505475
FLAT_SIGMOID = 0.99004820

_ACTIVATIONS = (keras.layers.Activation, keras.layers.ELU, keras.layers.LeakyReLU)

Floats = NDArray[np.float32]
Weights = tuple[tf.Tensor, ...]


@dataclass(frozen=True, slots=True)
class LayerReading:
    """What the pass shows of a layer.

    Attributes:
        layer: which.
        zeros: share of its outputs that are zero.
        highest, lowest: its outputs over all rows, (..., units).
        flat: share of rows and places on which a unit is on a flat end, (units,); None but for tanh
            and sigmoid.
    """

    layer: keras.Layer
    zeros: float
    highest: Floats
    lowest: Floats
    flat: Floats | None


@dataclass(frozen=True, slots=True)
class WeightReading:
    """What it shows of a variable that trains: half the squares of Euclidean norms.

    Attributes:
        value: now.
        before: of the value that it is compared with.
        change: of the difference.
        gradient: of the mean loss.
    """

    value: float
    before: float
    change: float
    gradient: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the pass shows.

    Attributes:
        loss: mean of the rows.
        layers: those of the gauge, in order.
        weights: by the id of the variable.
        outputs: of the last layer, (rows, outputs). Empty for outputs of several axes.
    """

    loss: float
    layers: tuple[LayerReading, ...]
    weights: dict[int, WeightReading]
    outputs: Floats


class Gauge:
    """Looks at a network, in inference mode.

    Args:
        network: compiled.
        placement: in whose scope it was.
        signature: of x and y, any number of rows.
    """

    def __init__(
        self, network: keras.Model, placement: Placement, signature: tuple[Any, ...]
    ) -> None:
        self._network = network
        self._placement = placement
        self._signature = signature
        self._weights = network.trainable_weights
        self._variables = [each.value for each in self._weights]  # TensorFlow's own
        self._layers = [
            each for each in network.layers if each.weights or isinstance(each, _ACTIVATIONS)
        ]

    def weights(self) -> Weights:
        """Those that train, as they are now; later training does not change these."""
        return tuple(each.read_value() for each in self._variables)

    def read(self, batch: Held, before: Weights) -> Reading:
        """Look at it through some rows.

        Args:
            batch: x and y of at least one row.
            before: weights of earlier, with which these are compared.
        """
        halves, zeros, units, outputs = self._looked(batch, before)
        loss, *rest = halves.numpy().tolist()
        weights = {
            id(weight): WeightReading(*rest[4 * number : 4 * number + 4])
            for number, weight in enumerate(self._weights)
        }
        layers = (
            LayerReading(layer, share, *(_numpy(each) for each in found))
            for layer, share, found in zip(self._layers, zeros.numpy().tolist(), units, strict=True)
        )
        return Reading(loss, tuple(layers), weights, outputs.numpy())

    def row_losses(self, batch: Held) -> Floats:
        """What each row costs, (rows,)."""
        found: Floats = self._costs(batch).numpy()
        return found

    @cached_property
    def _looked(self) -> Callable[[Held, Weights], Any]:
        before = tuple(tf.TensorSpec(each.shape, each.dtype) for each in self._weights)
        looked: Callable[[Held, Weights], Any] = self._traced(self._look, self._signature, before)
        return looked

    @cached_property
    def _costs(self) -> Callable[[Held], tf.Tensor]:
        def costs(batch: Held) -> tf.Tensor:
            x, y = batch
            return self._cost(y, self._outputs(x)[-1])

        traced: Callable[[Held], tf.Tensor] = self._traced(costs, self._signature)
        return traced

    def _traced(self, function: Callable[..., Any], *signature: Any) -> Any:
        def graph(*arguments: Any) -> Any:
            return self._placement.ask(function, *arguments)

        return tf.function(graph, autograph=False).get_concrete_function(*signature)

    def _look(self, batch: Held, before: Weights) -> Any:
        x, y = batch
        # In 16 bits small gradients are zero, so training scales them.
        scale = getattr(self._network.optimizer, "dynamic_scale", None)
        with tf.GradientTape() as tape:
            outputs = self._outputs(x)
            loss = tf.reduce_mean(self._cost(y, outputs[-1]))
            scaled = loss if scale is None else loss * scale
        gradients = tape.gradient(
            scaled, self._weights, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        halves = [loss]
        for weight, gradient, earlier in zip(self._weights, gradients, before, strict=True):
            value = tf.convert_to_tensor(weight.value)
            whole = gradient if scale is None else gradient / scale
            halves += [
                tf.raw_ops.L2Loss(t=each) for each in (value, earlier, value - earlier, whole)
            ]
        shown = [
            tf.cast(output, tf.float32)
            for layer, output in zip(self._network.layers, outputs, strict=True)
            if layer in self._layers
        ]
        zeros = [tf.reduce_mean(tf.cast(tf.equal(each, 0.0), tf.float32)) for each in shown]
        units = [
            (tf.reduce_max(each, axis=0), tf.reduce_min(each, axis=0), _flat(layer, each))
            for layer, each in zip(self._layers, shown, strict=True)
        ]
        return tf.stack(halves), tf.stack(zeros or [0.0]), units, _of_rows(outputs[-1])

    def _outputs(self, x: tf.Tensor) -> list[tf.Tensor]:
        """Of every layer, one after the other, the input's own first."""
        outputs = [tf.cast(x, tf.float32)]
        for layer in self._network.layers[1:]:
            inference = {"training": False} if layer._call_has_training_arg else {}  # noqa: SLF001
            outputs.append(layer(outputs[-1], **inference))
        return outputs

    def _cost(self, y: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
        """The loss of each row; of outputs of several axes the mean over all places."""
        y, predicted = tf.cast(y, tf.float32), tf.cast(predicted, tf.float32)
        costs = self._network.loss.call(y, predicted)
        if len(costs.shape) == 1:
            return costs
        return tf.reduce_mean(costs, axis=tuple(range(1, len(costs.shape))))


def _flat(layer: keras.Layer, output: tf.Tensor) -> tf.Tensor | None:
    match getattr(getattr(layer, "activation", None), "__name__", ""):
        case "tanh":
            flat = tf.abs(output) > FLAT_TANH
        case "sigmoid":
            flat = tf.abs(output - 0.5) > FLAT_SIGMOID - 0.5
        case _:
            return None
    return tf.reduce_mean(tf.cast(flat, tf.float32), axis=tuple(range(len(output.shape) - 1)))


def _of_rows(output: tf.Tensor) -> tf.Tensor:
    if len(output.shape) != 2:  # noqa: PLR2004 - rows and outputs
        return tf.zeros((0, 0), tf.float32)
    return tf.cast(output, tf.float32)


def _numpy(tensor: tf.Tensor | None) -> Any:
    return None if tensor is None else tensor.numpy()
