"""Layers that connect, bend or reshape: Dense, activations, Flatten, Reshape, Rescaling, zeros."""

from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from models.specs.activations import ActivationName
from models.specs.constraints import Constraint
from models.specs.initializers import GlorotUniform, Initializer, Zeros
from models.specs.layers.layer import (
    Built,
    LayerSpec,
    Shape,
    ShapeError,
    Wants,
    Weight,
    require_rank,
    spelled,
    weights,
)
from models.specs.numbers import Flag, NonNegative, Number, Units
from models.specs.regularizers import Regularizer


class Dense(LayerSpec):
    """Every output is a weighted sum of all features, plus a bias, then the activation.

    With more than one axis it works on the last, as in Keras.
    """

    wants: ClassVar[Wants] = "features"
    layer: Literal["Dense"] = "Dense"
    units: Units
    activation: ActivationName | None = None
    use_bias: Flag = True
    kernel_initializer: Initializer = GlorotUniform()
    bias_initializer: Initializer = Zeros()
    kernel_regularizer: Regularizer | None = None
    bias_regularizer: Regularizer | None = None
    activity_regularizer: Regularizer | None = None
    kernel_constraint: Constraint | None = None
    bias_constraint: Constraint | None = None

    def build(self, shape: Shape) -> Built:
        """Replace the last axis by `units`."""
        return Built(
            (*shape[:-1], self.units),
            weights(
                Weight("kernel", (shape[-1], self.units)),
                Weight("bias", (self.units,)) if self.use_bias else None,
            ),
        )


class ElementWise(LayerSpec):
    """A layer that treats every number by itself and has no weights."""

    wants: ClassVar[Wants] = "any"

    def build(self, shape: Shape) -> Built:
        """Keep the shape."""
        return Built(shape)


class Activation(ElementWise):
    """An activation function as a layer of its own."""

    layer: Literal["Activation"] = "Activation"
    activation: ActivationName


class LeakyReLU(ElementWise):
    """As ReLU, but negative inputs keep a slope."""

    layer: Literal["LeakyReLU"] = "LeakyReLU"
    negative_slope: NonNegative = 0.3


class ELU(ElementWise):
    """As ReLU, but negative inputs approach -alpha."""

    layer: Literal["ELU"] = "ELU"
    alpha: Number = 1.0


class Rescaling(ElementWise):
    """Multiply by `scale`, add `offset`."""

    layer: Literal["Rescaling"] = "Rescaling"
    scale: Number
    offset: Number = 0.0


class Flatten(LayerSpec):
    """All axes into one."""

    wants: ClassVar[Wants] = "own"
    layer: Literal["Flatten"] = "Flatten"
    data_format: Literal["channels_last"] | None = None

    def build(self, shape: Shape) -> Built:
        """Multiply the axes."""
        return Built((prod(shape),))


class Reshape(LayerSpec):
    """The same numbers on other axes."""

    wants: ClassVar[Wants] = "own"
    layer: Literal["Reshape"] = "Reshape"
    target_shape: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=-1, le=100_000_000)], ...],
        Field(min_length=1, max_length=6),
    ]
    """Without the batch; one axis may be -1: whatever remains."""

    def build(self, shape: Shape) -> Built:
        """Work out the axis that is -1.

        Raises:
            ShapeError: the numbers do not fit on these axes.
        """
        known = prod(axis for axis in self.target_shape if axis != -1)
        if self.target_shape.count(-1) > 1 or known == 0:
            raise ShapeError("Axes must be positive, and at most one may be -1.", "target_shape")
        rest, left_over = divmod(prod(shape), known)
        if left_over or (rest != 1 and -1 not in self.target_shape):
            raise ShapeError(
                f"The input {spelled(shape)} holds {prod(shape)} numbers, "
                f"which do not fit into {spelled(self.target_shape)}.",
                "target_shape",
            )
        return Built(tuple(rest if axis == -1 else axis for axis in self.target_shape))


_Zeros = Annotated[int, Field(strict=True, ge=0, le=1024)]
_Sides = tuple[_Zeros, _Zeros]


def _four_sides(value: object) -> object:
    """Take 1 for [[1, 1], [1, 1]], and [1, 2] for [[1, 1], [2, 2]]."""
    pair = (value, value) if isinstance(value, int) else value
    if isinstance(pair, list | tuple):
        return tuple((side, side) if isinstance(side, int) else side for side in pair)
    return value


class ZeroPadding2D(LayerSpec):
    """Rows and columns of zeros around an image."""

    wants: ClassVar[Wants] = "image"
    layer: Literal["ZeroPadding2D"] = "ZeroPadding2D"
    padding: Annotated[
        tuple[_Sides, _Sides],
        BeforeValidator(
            _four_sides,
            json_schema_input_type=_Zeros
            | tuple[_Zeros | tuple[_Zeros, _Zeros], _Zeros | tuple[_Zeros, _Zeros]],
        ),
    ] = ((1, 1), (1, 1))
    """[[top, bottom], [left, right]], or [height, width], or one number for all four."""
    data_format: Literal["channels_last"] | None = None

    def build(self, shape: Shape) -> Built:
        """Add the zeros to height and width.

        Raises:
            ShapeError: the input is no image.
        """
        require_rank(self, shape)
        height, width, channels = shape
        return Built((height + sum(self.padding[0]), width + sum(self.padding[1]), channels))
