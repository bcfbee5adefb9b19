"""Turns a compile spec into Keras's optimizer, loss and metrics."""

from collections.abc import Sequence
from typing import Any

import keras

from models.specs.class_metrics import Accuracy
from models.specs.compile import CompileSpec
from models.specs.layers.convolution import Convolution
from models.specs.layers.layer import LayerSpec
from models.specs.layers.noise import Dropout, GaussianNoise
from models.specs.losses import AnyLoss, Encoding
from models.specs.metric import MetricSpec
from models.specs.optimizers import OptimizerSpec
from models.specs.schedules import ScheduleSpec

# What Keras takes "accuracy" for, by how the target is written.
_ACCURACY: dict[Encoding, str] = {
    "sparse": "SparseCategoricalAccuracy",
    "one_hot": "CategoricalAccuracy",
    "binary": "BinaryAccuracy",
}


def compile_network(network: keras.Model, spec: CompileSpec, *, jit_compile: bool) -> None:
    """Give a network its optimizer, loss and metrics.

    Args:
        network: to be compiled, in place.
        spec: with its loss resolved, never "auto".
        jit_compile: whether XLA compiles the steps; see wants_jit.
    """
    network.compile(
        optimizer=optimizer(spec.optimizer),
        loss=loss(spec.loss),
        metrics=[metric(each, spec.loss.encoding) for each in spec.metrics],
        jit_compile=jit_compile,
    )
    # Now, not with the first step: a checkpoint is restored before it.
    network.optimizer.build(network.trainable_variables)


def wants_jit(spec: CompileSpec, layers: Sequence[LayerSpec], *, gpu: bool) -> bool:
    """Decide whether XLA shall compile the steps, where the spec leaves it open.

    On a GPU it usually wins. On a CPU it loses with convolutions and random layers (see the table
    in the design: 9.0 against 0.95 seconds an epoch for a small convolutional net).
    """
    if spec.jit_compile != "auto":
        return spec.jit_compile
    slow_on_cpu = Convolution | Dropout | GaussianNoise
    return gpu or not any(isinstance(layer, slow_on_cpu) for layer in layers)


def optimizer(spec: OptimizerSpec) -> keras.optimizers.Optimizer:
    """Build the optimizer, with its learning rate or schedule."""
    arguments = spec.arguments()
    if isinstance(spec.learning_rate, ScheduleSpec):
        arguments["learning_rate"] = _schedule(spec.learning_rate)
    return getattr(keras.optimizers, spec.keras_name)(**arguments)


def loss(spec: AnyLoss) -> keras.Loss:
    """Build the loss."""
    return getattr(keras.losses, spec.keras_name)(**spec.arguments())


def metric(spec: MetricSpec, encoding: Encoding) -> keras.Metric:
    """Build a metric that reports under the name the spec promises.

    Args:
        spec: the metric.
        encoding: how the target is written, which decides what "accuracy" is.
    """
    name = _ACCURACY[encoding] if isinstance(spec, Accuracy) else spec.keras_name
    return getattr(keras.metrics, name)(**spec.arguments() | {"name": spec.log_name})


def _schedule(spec: ScheduleSpec) -> Any:
    arguments = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in spec.arguments().items()
    }
    return getattr(keras.optimizers.schedules, spec.keras_name)(**arguments)
