"""Turns a compile spec into Keras's optimizer, loss and metrics."""

from typing import Any

import keras

from models.specs.class_metrics import Accuracy
from models.specs.compile import CompileSpec, Precision
from models.specs.losses import AnyLoss, Encoding
from models.specs.metric import MetricSpec
from models.specs.optimizers import OptimizerSpec
from models.specs.schedules import ScheduleSpec
from worker.trainer import fused

# What Keras takes "accuracy" for, by how the target is written.
_ACCURACY: dict[Encoding, str] = {
    "sparse": "SparseCategoricalAccuracy",
    "one_hot": "CategoricalAccuracy",
    "binary": "BinaryAccuracy",
}


def compile_network(network: keras.Model, spec: CompileSpec, *, plain: bool = False) -> None:
    """Give a network its optimizer, loss and metrics.

    Args:
        network: to be compiled, in place.
        spec: with its loss resolved, never "auto".
        plain: with the optimizer as Keras has it; else its updates are fused where they may be.
    """
    plain = plain or not fused.allows(network)
    network.compile(
        optimizer=_scaled(optimizer(spec.optimizer, plain=plain), spec.precision),
        loss=loss(spec.loss),
        metrics=[metric(each, spec.loss.encoding) for each in spec.metrics],
        jit_compile=False,  # that is for Keras's own loop, which is not used
    )
    # Now, not with the first step: a checkpoint is restored before it.
    network.optimizer.build(network.trainable_variables)


def optimizer(spec: OptimizerSpec, *, plain: bool = False) -> keras.optimizers.Optimizer:
    """Build the optimizer, with its learning rate or schedule; plain or fused as above."""
    arguments = spec.arguments()
    if isinstance(spec.learning_rate, ScheduleSpec):
        arguments["learning_rate"] = _schedule(spec.learning_rate)
    # Keras would number them, but a checkpoint knows its variables by name.
    arguments["name"] = spec.keras_name.lower()
    made = None if plain else fused.OPTIMIZERS.get(spec.keras_name)
    return (made or getattr(keras.optimizers, spec.keras_name))(**arguments)


def loss(spec: AnyLoss, reduction: str = "sum_over_batch_size") -> keras.Loss:
    """Build the loss; with the reduction "none" it is one of every row."""
    return getattr(keras.losses, spec.keras_name)(**spec.arguments(), reduction=reduction)


def metric(spec: MetricSpec, encoding: Encoding) -> keras.Metric:
    """Build a metric that reports under the name the spec promises.

    Args:
        spec: the metric.
        encoding: how the target is written, which decides what "accuracy" is.
    """
    name = _ACCURACY[encoding] if isinstance(spec, Accuracy) else spec.keras_name
    return getattr(keras.metrics, name)(**spec.arguments() | {"name": spec.log_name})


def _scaled(inner: keras.optimizers.Optimizer, precision: Precision) -> keras.optimizers.Optimizer:
    """As Keras's compile does for a network that is mixed_float16 as a whole; ours has layers."""
    if precision != "mixed_float16":
        return inner
    return keras.optimizers.LossScaleOptimizer(inner, name="loss_scale_optimizer")


def _schedule(spec: ScheduleSpec) -> Any:
    arguments = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in spec.arguments().items()
    }
    return getattr(keras.optimizers.schedules, spec.keras_name)(**arguments)
