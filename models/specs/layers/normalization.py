"""Layers that bring activations to zero mean and unit variance."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from models.specs.constraints import Constraint
from models.specs.initializers import Initializer, Ones, Zeros
from models.specs.layers.layer import (
    Built,
    LayerSpec,
    Shape,
    ShapeError,
    Wants,
    Weight,
    spelled,
    weights,
)
from models.specs.numbers import Axis, Flag, Fraction, NonNegative
from models.specs.regularizers import Regularizer


class Normalization(LayerSpec):
    """What both kinds share: an optional learned scale (gamma) and offset (beta)."""

    wants: ClassVar[Wants] = "any"
    epsilon: NonNegative = 1e-3
    center: Flag = True
    scale: Flag = True
    beta_initializer: Initializer = Zeros()
    gamma_initializer: Initializer = Ones()
    beta_regularizer: Regularizer | None = None
    gamma_regularizer: Regularizer | None = None
    beta_constraint: Constraint | None = None
    gamma_constraint: Constraint | None = None

    def learned(self, shape: Shape) -> tuple[Weight, ...]:
        """Return gamma and beta, of this shape, where wanted."""
        return weights(
            Weight("gamma", shape) if self.scale else None,
            Weight("beta", shape) if self.center else None,
        )


class BatchNormalization(Normalization):
    """By the mean and variance of the batch; afterwards by their moving averages."""

    layer: Literal["BatchNormalization"] = "BatchNormalization"
    axis: Axis = -1
    momentum: Fraction = 0.99
    moving_mean_initializer: Initializer = Zeros()
    moving_variance_initializer: Initializer = Ones()

    def build(self, shape: Shape) -> Built:
        """Keep the shape; four numbers for each position on `axis`, two of them learned.

        Raises:
            ShapeError: there is no such axis.
        """
        extent = (shape[_index(self.axis, shape)],)
        return Built(
            shape,
            (
                *self.learned(extent),
                Weight("moving_mean", extent, trainable=False),
                Weight("moving_variance", extent, trainable=False),
            ),
        )


def _axes(value: object) -> object:
    """Take 1 for [1]."""
    return (value,) if isinstance(value, int) else value


class LayerNormalization(Normalization):
    """Each row by itself, over the given axes."""

    layer: Literal["LayerNormalization"] = "LayerNormalization"
    axis: Annotated[
        tuple[Axis, ...],
        Field(min_length=1, max_length=6),
        BeforeValidator(_axes, json_schema_input_type=Axis | tuple[Axis, ...]),
    ] = (-1,)

    def build(self, shape: Shape) -> Built:
        """Keep the shape; two learned numbers for each position on the axes.

        Raises:
            ShapeError: there is no such axis, or one is named twice.
        """
        indices = [_index(axis, shape) for axis in sorted(self.axis)]
        if len(set(indices)) < len(indices):
            raise ShapeError(f"Axis {spelled(self.axis)} names one axis twice.", "axis")
        return Built(shape, self.learned(tuple(shape[index] for index in indices)))


def _index(axis: int, shape: Shape) -> int:
    """Turn an axis as Keras counts them, with the batch, into an index of a shape without it."""
    index = axis + len(shape) if axis < 0 else axis - 1
    if not 0 <= index < len(shape):
        raise ShapeError(
            f"Axis {axis} is not one of the input {spelled(shape)}. "
            f"Count from 1 (0 is the batch) to {len(shape)}, or back from -1.",
            "axis",
        )
    return index
