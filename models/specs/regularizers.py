"""Penalties on weights or outputs: Keras's regularizers.

By name or as {"regularizer": "L2", ...}.
"""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from models.specs.names import ByName, Tagged, spellings
from models.specs.numbers import NonNegative


class RegularizerSpec(Tagged):
    """Any of them.

    Attributes:
        ranks: how many axes a tensor may have that is penalised so, least and most.
    """

    tag: ClassVar[str] = "regularizer"
    ranks: ClassVar[tuple[int, int]] = (1, 8)


class L1(RegularizerSpec):
    """`l1` times the sum of absolute values."""

    regularizer: Literal["L1"] = "L1"
    l1: NonNegative = 0.01


class L2(RegularizerSpec):
    """`l2` times the sum of squares."""

    regularizer: Literal["L2"] = "L2"
    l2: NonNegative = 0.01


class L1L2(RegularizerSpec):
    """Both."""

    regularizer: Literal["L1L2"] = "L1L2"
    l1: NonNegative = 0.0
    l2: NonNegative = 0.0


class OrthogonalRegularizer(RegularizerSpec):
    """Rows or columns pushed towards being orthogonal; for tensors of two axes."""

    ranks: ClassVar[tuple[int, int]] = (2, 2)
    regularizer: Literal["OrthogonalRegularizer"] = "OrthogonalRegularizer"
    factor: NonNegative = 0.01
    mode: Literal["rows", "columns"] = "rows"


AnyRegularizer = L1 | L2 | L1L2 | OrthogonalRegularizer

Regularizer = Annotated[
    AnyRegularizer,
    Field(discriminator="regularizer"),
    ByName("regularizer", spellings(get_args(AnyRegularizer))),
]
