"""The kinds of number that specs are made of: strict, so that "32" and true are not integers.

Upper bounds are far above what anyone trains here; they turn a typing error into a clear refusal
instead of an exhausted machine.
"""

from typing import Annotated

from pydantic import Field

Flag = Annotated[bool, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]
NonNegative = Annotated[Number, Field(ge=0)]
Positive = Annotated[Number, Field(gt=0)]
Fraction = Annotated[Number, Field(ge=0, le=1)]
"""From 0 to 1, both included."""

Units = Annotated[int, Field(strict=True, ge=1, le=65_536)]
"""How many neurons or filters a layer has."""
Size = Annotated[int, Field(strict=True, ge=1, le=65_536)]
"""The extent of a window along one axis, or how far it moves, in positions."""
Axis = Annotated[int, Field(strict=True, ge=-8, le=8)]
"""An axis of a tensor as Keras counts them: 0 is the batch, -1 the last."""
