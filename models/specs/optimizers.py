"""How gradients become updates: Keras's optimizers, {"optimizer": "SGD", "learning_rate": 0.01}.

Left out: moving averages of weights and accumulated gradients, which change what an epoch's
weights and steps are.
"""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.specs.names import ByName, Fields, Tagged, tag_of
from models.specs.numbers import Flag, Fraction, NonNegative, Number, Positive
from models.specs.schedules import LearningRate

# Keras divides by the square root of a second moment plus this.
Epsilon = Positive
# A decay of exactly 1 would never take in a gradient.
Decay = Annotated[Number, Field(ge=0, lt=1)]


class OptimizerSpec(Tagged):
    """Any of them."""

    tag: ClassVar[str] = "optimizer"

    optimizer: str  # here, so that it is written first
    learning_rate: LearningRate = 0.001
    weight_decay: NonNegative | None = None
    clipnorm: Positive | None = None
    """Largest norm of each weight's gradient."""
    clipvalue: Positive | None = None
    """Largest absolute value in a gradient."""
    global_clipnorm: Positive | None = None
    """Largest norm of all gradients together."""

    @property
    def constant_rate(self) -> float | None:
        """The learning rate; None of a schedule."""
        rate = self.learning_rate
        return float(rate) if isinstance(rate, float | int) else None

    @property
    def default_rate(self) -> float:
        """Keras's own learning rate for this optimizer."""
        return float(type(self).model_fields["learning_rate"].default)

    @model_validator(mode="after")
    def _one_way_to_clip(self) -> "OptimizerSpec":
        if [self.clipnorm, self.clipvalue, self.global_clipnorm].count(None) < 2:  # noqa: PLR2004 -- at most one of three may be set
            raise PydanticCustomError(
                "several_ways_to_clip",
                "give at most one of clipnorm, clipvalue and global_clipnorm",
            )
        return self


class SGD(OptimizerSpec):
    """Against the gradient, with momentum where wanted."""

    optimizer: Literal["SGD"] = "SGD"
    learning_rate: LearningRate = 0.01
    momentum: Fraction = 0.0
    nesterov: Flag = False


class Adam(OptimizerSpec):
    """Steps scaled by running first and second moments of the gradient."""

    optimizer: Literal["Adam"] = "Adam"
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Epsilon = 1e-7
    amsgrad: Flag = False


class AdamW(OptimizerSpec):
    """Adam with decoupled weight decay."""

    optimizer: Literal["AdamW"] = "AdamW"
    weight_decay: NonNegative = 0.004
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Epsilon = 1e-7
    amsgrad: Flag = False


class RMSprop(OptimizerSpec):
    """Steps scaled by a running mean of squared gradients."""

    optimizer: Literal["RMSprop"] = "RMSprop"
    rho: Decay = 0.9
    momentum: Fraction = 0.0
    epsilon: Epsilon = 1e-7
    centered: Flag = False


class Adagrad(OptimizerSpec):
    """Steps scaled by the sum of all squared gradients."""

    optimizer: Literal["Adagrad"] = "Adagrad"
    initial_accumulator_value: NonNegative = 0.1
    epsilon: Epsilon = 1e-7


class Adadelta(OptimizerSpec):
    """Steps scaled by running squares of gradients and of updates."""

    optimizer: Literal["Adadelta"] = "Adadelta"
    rho: Decay = 0.95
    epsilon: Epsilon = 1e-7


class Adamax(OptimizerSpec):
    """Adam with the largest instead of the mean square."""

    optimizer: Literal["Adamax"] = "Adamax"
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Epsilon = 1e-7


class Nadam(OptimizerSpec):
    """Adam with Nesterov momentum."""

    optimizer: Literal["Nadam"] = "Nadam"
    beta_1: Decay = 0.9
    beta_2: Decay = 0.999
    epsilon: Epsilon = 1e-7


class Lion(OptimizerSpec):
    """Steps of equal size by the sign of a running gradient."""

    optimizer: Literal["Lion"] = "Lion"
    beta_1: Annotated[Decay, Field(gt=0)] = 0.9
    beta_2: Decay = 0.99


AnyOptimizer = SGD | Adam | AdamW | RMSprop | Adagrad | Adadelta | Adamax | Nadam | Lion

# Keras writes these names in lower case without underscores: "rmsprop", "adamw".
_NAMES: dict[str, Fields] = {
    spelling: {"optimizer": name}
    for name in map(tag_of, get_args(AnyOptimizer))
    for spelling in (name.lower(), name)
}

Optimizer = Annotated[
    AnyOptimizer,
    Field(discriminator="optimizer"),
    # Written in full, and Adam unless it says otherwise, so that a search may always set
    # "compile.optimizer.learning_rate".
    ByName("optimizer", _NAMES, otherwise="Adam", write_back=False),
]
