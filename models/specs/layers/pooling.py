"""Layers that sum up neighbouring positions, or all of them, channel by channel."""

from typing import ClassVar, Literal

from models.specs.layers.layer import (
    Built,
    LayerSpec,
    Shape,
    ShapeError,
    Wants,
    require_rank,
    spelled,
)
from models.specs.numbers import Flag
from models.specs.windows import Extent, Extents, Padding, per_axis, positions


class Pooling(LayerSpec):
    """What all pooling over windows shares."""

    pool_size: int | tuple[int, int]
    strides: int | tuple[int, int] | None
    padding: Padding = "valid"
    data_format: Literal["channels_last"] | None = None

    def build(self, shape: Shape) -> Built:
        """Slide a window of `pool_size` in steps of `strides` over all axes but the last.

        Raises:
            ShapeError: the window is larger than the input.
        """
        require_rank(self, shape)
        *extents, channels = shape
        pool = per_axis(self.pool_size)
        strides = pool if self.strides is None else per_axis(self.strides)
        slid = tuple(
            positions(extent, window, stride, self.padding, 1)
            for extent, window, stride in zip(extents, pool, strides, strict=True)
        )
        if min(slid) <= 0:
            raise ShapeError(
                f"The pool {spelled(pool)} is larger than the input {spelled(tuple(extents))}. "
                'Use a smaller one, less pooling before it, or padding "same".',
                "pool_size",
            )
        return Built((*slid, channels))


class MaxPooling1D(Pooling):
    """The largest of neighbouring steps."""

    wants: ClassVar[Wants] = "sequence"
    layer: Literal["MaxPooling1D"] = "MaxPooling1D"
    pool_size: Extent = 2
    strides: Extent | None = None


class AveragePooling1D(Pooling):
    """The mean of neighbouring steps."""

    wants: ClassVar[Wants] = "sequence"
    layer: Literal["AveragePooling1D"] = "AveragePooling1D"
    pool_size: Extent
    strides: Extent | None = None


class MaxPooling2D(Pooling):
    """The largest of neighbouring pixels."""

    wants: ClassVar[Wants] = "image"
    layer: Literal["MaxPooling2D"] = "MaxPooling2D"
    pool_size: Extents = (2, 2)
    strides: Extents | None = None


class AveragePooling2D(Pooling):
    """The mean of neighbouring pixels."""

    wants: ClassVar[Wants] = "image"
    layer: Literal["AveragePooling2D"] = "AveragePooling2D"
    pool_size: Extents
    strides: Extents | None = None


class GlobalPooling(LayerSpec):
    """One number a channel."""

    keepdims: Flag = False
    data_format: Literal["channels_last"] | None = None

    def build(self, shape: Shape) -> Built:
        """Drop all axes but the channels, or keep them at one position.

        Raises:
            ShapeError: the input has the wrong number of axes.
        """
        require_rank(self, shape)
        kept = tuple(1 for _ in shape[:-1]) if self.keepdims else ()
        return Built((*kept, shape[-1]))


class GlobalAveragePooling1D(GlobalPooling):
    """The mean over all steps."""

    wants: ClassVar[Wants] = "sequence"
    layer: Literal["GlobalAveragePooling1D"] = "GlobalAveragePooling1D"


class GlobalAveragePooling2D(GlobalPooling):
    """The mean over all pixels."""

    wants: ClassVar[Wants] = "image"
    layer: Literal["GlobalAveragePooling2D"] = "GlobalAveragePooling2D"


class GlobalMaxPooling2D(GlobalPooling):
    """The largest over all pixels."""

    wants: ClassVar[Wants] = "image"
    layer: Literal["GlobalMaxPooling2D"] = "GlobalMaxPooling2D"
