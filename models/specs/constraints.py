"""Limits that weights are put back into after every update: Keras's constraints.

By name or as {"constraint": "MaxNorm", ...}.
"""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from models.specs.names import ByName, Tagged, spellings
from models.specs.numbers import Axis, Fraction, NonNegative


class ConstraintSpec(Tagged):
    """Any of them; `axis` is the axis of the weight along which norms are taken."""

    tag: ClassVar[str] = "constraint"


class MaxNorm(ConstraintSpec):
    """Norms of at most `max_value`."""

    constraint: Literal["MaxNorm"] = "MaxNorm"
    max_value: NonNegative = 2.0
    axis: Axis = 0


class MinMaxNorm(ConstraintSpec):
    """Norms between the two, approached by `rate` an update."""

    constraint: Literal["MinMaxNorm"] = "MinMaxNorm"
    min_value: NonNegative = 0.0
    max_value: NonNegative = 1.0
    rate: Fraction = 1.0
    axis: Axis = 0


class NonNeg(ConstraintSpec):
    """No weight below zero."""

    constraint: Literal["NonNeg"] = "NonNeg"


class UnitNorm(ConstraintSpec):
    """Norms of one."""

    constraint: Literal["UnitNorm"] = "UnitNorm"
    axis: Axis = 0


AnyConstraint = MaxNorm | MinMaxNorm | NonNeg | UnitNorm

Constraint = Annotated[
    AnyConstraint,
    Field(discriminator="constraint"),
    ByName("constraint", spellings(get_args(AnyConstraint))),
]
