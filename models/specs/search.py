"""The `search` part of an experiment spec: which trials an experiment consists of."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.specs.base import Spec
from models.specs.network import NetworkSpec
from models.specs.schedules import Rate as LearningRate

# A learning-rate comparison of more values than this is a search of another kind.
MAX_VALUES = 200


class LearningRatesSearch(Spec):
    """The same network at several learning rates: `values`, or `count` of them from low to high."""

    strategy: Literal["learning_rates"]
    values: (
        Annotated[tuple[LearningRate, ...], Field(min_length=1, max_length=MAX_VALUES)] | None
    ) = None
    low: LearningRate | None = None
    high: LearningRate | None = None
    count: Annotated[int, Field(ge=2, le=MAX_VALUES)] | None = None
    """How many rates, evenly spaced on a logarithmic scale, both ends included."""

    @model_validator(mode="after")
    def _values_or_range(self) -> "LearningRatesSearch":
        span = (self.low, self.high, self.count)
        if self.values is not None:
            if any(part is not None for part in span):
                raise ValueError("give either values, or low, high and count")
            if len(set(self.values)) < len(self.values):
                raise PydanticCustomError(
                    "duplicate_value", "Each learning rate may be listed once.", {"at": ("values",)}
                )
        elif self.low is None or self.high is None or self.count is None:
            raise ValueError("give values, or all of low, high and count")
        elif self.low >= self.high:
            raise PydanticCustomError("out_of_range", "low must be below high.", {"at": ("low",)})
        return self


class NetworksSearch(Spec):
    """Named networks side by side."""

    strategy: Literal["networks"]
    networks: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=100)], NetworkSpec],
        Field(min_length=1, max_length=MAX_VALUES),
    ]


SearchSpec = Annotated[LearningRatesSearch | NetworksSearch, Field(discriminator="strategy")]
