"""The learning rate: one number, or one of Keras's schedules over the steps of the training.

A step is one batch: an epoch of 700 training rows in batches of 32 has 22 steps.
"""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.specs.names import Tagged
from models.specs.numbers import Flag, Fraction, NonNegative, Number, Positive

# Rates above 1 are tried on purpose, to see a training diverge; above this it is a typing error.
MAX_LEARNING_RATE = 1000.0

MAX_STEPS = 1_000_000_000

Rate = Annotated[Number, Field(gt=0, le=MAX_LEARNING_RATE)]
Steps = Annotated[int, Field(strict=True, ge=1, le=MAX_STEPS)]


class ScheduleSpec(Tagged):
    """Any of them."""

    tag: ClassVar[str] = "schedule"


class ExponentialDecay(ScheduleSpec):
    """Times `decay_rate` every `decay_steps` steps, smoothly or in a staircase."""

    schedule: Literal["ExponentialDecay"] = "ExponentialDecay"
    initial_learning_rate: Rate
    decay_steps: Steps
    decay_rate: Positive
    staircase: Flag = False


class InverseTimeDecay(ScheduleSpec):
    """Divided by 1 + `decay_rate` x step / `decay_steps`."""

    schedule: Literal["InverseTimeDecay"] = "InverseTimeDecay"
    initial_learning_rate: Rate
    decay_steps: Steps
    decay_rate: Positive
    staircase: Flag = False


class PolynomialDecay(ScheduleSpec):
    """Down to `end_learning_rate` in `decay_steps` steps along a polynomial."""

    schedule: Literal["PolynomialDecay"] = "PolynomialDecay"
    initial_learning_rate: Rate
    decay_steps: Steps
    end_learning_rate: Rate = 0.0001
    power: Positive = 1.0
    cycle: Flag = False


class CosineDecay(ScheduleSpec):
    """Down to `alpha` of its start along half a cosine, after a straight warm-up where wanted."""

    schedule: Literal["CosineDecay"] = "CosineDecay"
    initial_learning_rate: Annotated[Number, Field(ge=0, le=MAX_LEARNING_RATE)]
    """Where the warm-up begins; it may be 0 only when there is one."""
    decay_steps: Steps
    alpha: Fraction = 0.0
    warmup_target: Rate | None = None
    warmup_steps: Annotated[int, Field(strict=True, ge=0, le=MAX_STEPS)] = 0

    @model_validator(mode="after")
    def _warm_up_is_whole(self) -> "CosineDecay":
        if (self.warmup_target is None) != (self.warmup_steps == 0):
            raise PydanticCustomError(
                "half_a_warm_up", "a warm-up needs both warmup_target and warmup_steps"
            )
        if self.initial_learning_rate == 0 and self.warmup_target is None:
            raise PydanticCustomError(
                "learning_rate_zero", "a start at 0 needs a warm-up to leave it"
            )
        return self


class CosineDecayRestarts(ScheduleSpec):
    """Cosine decay over and over, each round `t_mul` times as long and `m_mul` times as high."""

    schedule: Literal["CosineDecayRestarts"] = "CosineDecayRestarts"
    initial_learning_rate: Rate
    first_decay_steps: Steps
    t_mul: Positive = 2.0
    m_mul: Positive = 1.0
    alpha: NonNegative = 0.0


class PiecewiseConstantDecay(ScheduleSpec):
    """`values[0]` up to step `boundaries[0]`, `values[1]` up to `boundaries[1]`, and so on."""

    schedule: Literal["PiecewiseConstantDecay"] = "PiecewiseConstantDecay"
    boundaries: Annotated[tuple[Steps, ...], Field(min_length=1, max_length=1000)]
    values: Annotated[tuple[Rate, ...], Field(min_length=2, max_length=1001)]

    @field_validator("boundaries")
    @classmethod
    def _boundaries_rise(cls, boundaries: tuple[int, ...]) -> tuple[int, ...]:
        if any(later <= earlier for earlier, later in pairwise(boundaries)):
            raise PydanticCustomError(
                "boundaries_not_rising", "every boundary must be above the one before it"
            )
        return boundaries

    @field_validator("values")
    @classmethod
    def _one_value_more(cls, values: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        boundaries = info.data.get("boundaries")
        if boundaries is not None and len(values) != len(boundaries) + 1:
            raise PydanticCustomError(
                "values_do_not_match_boundaries",
                "{boundaries} boundaries separate {needed} values, not {values}",
                {
                    "boundaries": len(boundaries),
                    "needed": len(boundaries) + 1,
                    "values": len(values),
                },
            )
        return values


AnySchedule = (
    ExponentialDecay
    | InverseTimeDecay
    | PolynomialDecay
    | CosineDecay
    | CosineDecayRestarts
    | PiecewiseConstantDecay
)

Schedule = Annotated[AnySchedule, Field(discriminator="schedule")]


def _kind(value: object) -> str:
    """Tell a schedule from a number. The tags appear in error locations, hence their blanks."""
    return "a schedule" if isinstance(value, dict | ScheduleSpec) else "a number"


LearningRate = Annotated[
    Annotated[Rate, Tag("a number")] | Annotated[Schedule, Tag("a schedule")], Discriminator(_kind)
]
