"""How far a sliding window gets over an axis: the arithmetic of convolution and pooling.

Formulas as in Keras's compute_conv_output_shape and compute_pooling_output_shape.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator

from models.specs.numbers import Size

Padding = Literal["valid", "same"]
"""Keep the window inside the input, or pad with zeros so that stride 1 keeps the extent."""
CausalPadding = Literal["valid", "same", "causal"]
"""Also: pad only before the first position, so that no output sees a later input."""


def _one(value: object) -> object:
    """Take [3] for 3."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _two(value: object) -> object:
    """Take 3 for [3, 3]."""
    return (value, value) if isinstance(value, int) else value


Extent = Annotated[Size, BeforeValidator(_one, json_schema_input_type=Size | tuple[Size])]
"""Along the one axis of a sequence: 3 or [3]."""
Extents = Annotated[
    tuple[Size, Size], BeforeValidator(_two, json_schema_input_type=Size | tuple[Size, Size])
]
"""Along height and width: 3 or [3, 3]."""


def positions(extent: int, window: int, stride: int, padding: CausalPadding, dilation: int) -> int:
    """Count the places where a window fits on an axis; 0 or less when it is longer than the axis.

    Args:
        extent: positions along the axis.
        window: positions that the window covers, before dilation.
        stride: positions from one place to the next.
        padding: what happens at the ends.
        dilation: distance between neighbouring positions in the window.
    """
    reach = dilation * (window - 1) + 1 if padding == "valid" else 1
    return (extent - reach) // stride + 1


def per_axis(value: int | tuple[int, int]) -> tuple[int, ...]:
    """Return a window argument as one number an axis."""
    return value if isinstance(value, tuple) else (value,)
