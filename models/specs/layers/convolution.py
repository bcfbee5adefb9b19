"""Layers that slide a window of weights over a sequence or an image."""

from abc import abstractmethod
from math import prod
from typing import ClassVar, Literal

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
from models.specs.numbers import Flag, Units
from models.specs.regularizers import Regularizer
from models.specs.windows import CausalPadding, Extent, Extents, Padding, per_axis, positions


class Convolution(LayerSpec):
    """What all convolutions share."""

    kernel_size: int | tuple[int, int]
    strides: int | tuple[int, int]
    padding: CausalPadding
    dilation_rate: int | tuple[int, int]
    data_format: Literal["channels_last"] | None = None
    activation: ActivationName | None = None
    use_bias: Flag = True
    bias_initializer: Initializer = Zeros()
    bias_regularizer: Regularizer | None = None
    activity_regularizer: Regularizer | None = None
    bias_constraint: Constraint | None = None

    def build(self, shape: Shape) -> Built:
        """Slide over all axes but the last, which holds the channels.

        Raises:
            ShapeError: the window is larger than the input, or the arguments contradict it.
        """
        require_rank(self, shape)
        *extents, channels = shape
        kernel = per_axis(self.kernel_size)
        slid = _slide(self, tuple(extents), kernel)
        filters, found = self.kernels(kernel, channels)
        bias = Weight("bias", (filters,)) if self.use_bias else None
        return Built((*slid, filters), weights(*found, bias))

    @abstractmethod
    def kernels(self, kernel: Shape, channels: int) -> tuple[int, tuple[Weight, ...]]:
        """Return how many channels come out, and the weights that make them."""


class FullConvolution(Convolution):
    """Every filter sees all channels of its group."""

    filters: Units
    groups: Units = 1
    kernel_initializer: Initializer = GlorotUniform()
    kernel_regularizer: Regularizer | None = None
    kernel_constraint: Constraint | None = None

    def build(self, shape: Shape) -> Built:
        """Slide, either in wide steps or with a spread-out window.

        Raises:
            ShapeError: both at once, or whatever is wrong for any convolution.
        """
        if max(per_axis(self.strides)) > 1 and max(per_axis(self.dilation_rate)) > 1:
            raise ShapeError(
                "Strides above 1 and a dilation_rate above 1 exclude each other.", "strides"
            )
        return super().build(shape)

    def kernels(self, kernel: Shape, channels: int) -> tuple[int, tuple[Weight, ...]]:
        """One kernel over the channels of a group.

        Raises:
            ShapeError: the groups do not divide channels and filters.
        """
        if channels % self.groups or self.filters % self.groups:
            raise ShapeError(
                f"Groups ({self.groups}) must divide both the {channels} input channels "
                f"and the {self.filters} filters.",
                "groups",
            )
        return self.filters, (Weight("kernel", (*kernel, channels // self.groups, self.filters)),)


class Conv1D(FullConvolution):
    """Along the steps of a sequence."""

    wants: ClassVar[Wants] = "sequence"
    layer: Literal["Conv1D"] = "Conv1D"
    kernel_size: Extent
    strides: Extent = 1
    padding: CausalPadding = "valid"
    dilation_rate: Extent = 1


class Conv2D(FullConvolution):
    """Over the height and width of an image."""

    wants: ClassVar[Wants] = "image"
    layer: Literal["Conv2D"] = "Conv2D"
    kernel_size: Extents
    strides: Extents = (1, 1)
    padding: Padding = "valid"
    dilation_rate: Extents = (1, 1)


class ChannelWise(Convolution):
    """Every filter sees one channel; `depth_multiplier` filters a channel."""

    wants: ClassVar[Wants] = "image"
    kernel_size: Extents
    strides: Extents = (1, 1)
    padding: Padding = "valid"
    dilation_rate: Extents = (1, 1)
    depth_multiplier: Units = 1
    depthwise_initializer: Initializer = GlorotUniform()
    depthwise_regularizer: Regularizer | None = None
    depthwise_constraint: Constraint | None = None


class DepthwiseConv2D(ChannelWise):
    """Over an image, one channel at a time."""

    layer: Literal["DepthwiseConv2D"] = "DepthwiseConv2D"

    def kernels(self, kernel: Shape, channels: int) -> tuple[int, tuple[Weight, ...]]:
        """One kernel a channel, `depth_multiplier` times."""
        depthwise = Weight("depthwise", (*kernel, channels, self.depth_multiplier))
        return channels * self.depth_multiplier, (depthwise,)


class SeparableConv2D(ChannelWise):
    """Over an image, one channel at a time, then a mix of the channels at every position."""

    layer: Literal["SeparableConv2D"] = "SeparableConv2D"
    filters: Units
    pointwise_initializer: Initializer = GlorotUniform()
    pointwise_regularizer: Regularizer | None = None
    pointwise_constraint: Constraint | None = None

    def kernels(self, kernel: Shape, channels: int) -> tuple[int, tuple[Weight, ...]]:
        """One kernel a channel, then a 1x1 kernel over them all."""
        mixed = channels * self.depth_multiplier
        return self.filters, (
            Weight("depthwise", (*kernel, channels, self.depth_multiplier)),
            Weight("pointwise", (*(1 for _ in kernel), mixed, self.filters)),
        )


def _slide(layer: Convolution, extents: Shape, kernel: Shape) -> Shape:
    """Count the kernel's places along each axis."""
    strides, dilation = per_axis(layer.strides), per_axis(layer.dilation_rate)
    slid = tuple(
        positions(extent, window, stride, layer.padding, rate)
        for extent, window, stride, rate in zip(extents, kernel, strides, dilation, strict=True)
    )
    if prod(max(count, 0) for count in slid) == 0:
        reach = tuple(rate * (k - 1) + 1 for k, rate in zip(kernel, dilation, strict=True))
        raise ShapeError(
            f"The kernel covers {spelled(reach)}, more than the input {spelled(extents)}. "
            'Use a smaller kernel, less pooling before it, or padding "same".',
            "kernel_size",
        )
    return slid
