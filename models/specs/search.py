"""The `search` part of an experiment spec: which trials an experiment consists of."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from models.specs.activations import ActivationName
from models.specs.base import Spec
from models.specs.network import NetworkSpec
from models.specs.numbers import Units
from models.specs.prune import PruneSpec
from models.specs.schedules import Rate as LearningRate
from models.specs.spaces import Space

# More trials than this in one experiment are several experiments.
MAX_TRIALS = 10_000
# A comparison of more rates or networks than this is a search of another kind.
MAX_COMPARED = 200
# A search over more paths than this finds nothing in any number of trainings done here.
MAX_PATHS = 50
# Each proposal weighs all settings before it; more than this is drawn just as well at random.
MAX_TPE_SETTINGS = 1000

# Units of a layer at which capacity searches stop, by how many rows there are to learn from.
DEFAULT_CEILING = 256
LARGE_CEILING = 1024
MANY_ROWS = 20_000


class PrunableSearch(Spec):
    """A search, whose trials may be ended before their time where the client wants that."""

    prune: PruneSpec | None = None
    """By which rule; no trial is ended when left out."""


class LearningRatesSearch(PrunableSearch):
    """The same network at several learning rates: `values`, or `count` of them from low to high."""

    strategy: Literal["learning_rates"]
    values: (
        Annotated[tuple[LearningRate, ...], Field(min_length=1, max_length=MAX_COMPARED)] | None
    ) = None
    low: LearningRate | None = None
    high: LearningRate | None = None
    count: Annotated[int, Field(ge=2, le=MAX_COMPARED)] | None = None
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


class NetworksSearch(PrunableSearch):
    """Named networks side by side."""

    strategy: Literal["networks"]
    networks: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=100)], NetworkSpec],
        Field(min_length=1, max_length=MAX_COMPARED),
    ]


Paths = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=200)], Space],
    Field(min_length=1, max_length=MAX_PATHS),
]
"""Dotted spec path -> what may stand there."""

_DRAWN: dict[str, JsonValue] = {
    "compile.optimizer.learning_rate": {"float": {"low": 0.0001, "high": 0.1, "log": True}},
    "network.layers.0.units": {"int": {"low": 16, "high": 256, "step": 16}},
    "fit.batch_size": [16, 32, 64],
}
_LISTED: dict[str, JsonValue] = {
    "compile.optimizer.learning_rate": [0.001, 0.01, 0.1],
    "network.layers.0.units": {"int": {"low": 16, "high": 256, "log": True, "count": 5}},
}


class GridSearch(PrunableSearch):
    """Every combination of the values."""

    strategy: Literal["grid"]
    over: Annotated[Paths, Field(examples=[_LISTED])]
    """Dotted spec paths, each with a list, or with a range that says which values: whole numbers by
    `step` or `count`, others by `count`."""


class RandomSearch(PrunableSearch):
    """Drawn settings, no two alike."""

    strategy: Literal["random"]
    over: Annotated[Paths, Field(examples=[_DRAWN])]
    """Dotted spec paths, each with a list or a range of what may stand there."""
    count: Annotated[int, Field(strict=True, ge=1, le=MAX_TRIALS)]
    """How many; all there are where that is fewer."""


class TpeSearch(PrunableSearch):
    """Settings drawn where earlier ones did well: Optuna's tree-structured Parzen estimator."""

    strategy: Literal["tpe"]
    over: Annotated[Paths, Field(examples=[_DRAWN])]
    """Dotted spec paths, each with a list or a range of what may stand there."""
    count: Annotated[int, Field(strict=True, ge=1, le=MAX_TPE_SETTINGS)]
    """How many settings in all."""
    startup: Annotated[int, Field(strict=True, ge=1, le=MAX_TPE_SETTINGS)] = 10
    """So many settings are drawn at random before anything is learned from them."""


class CapacitySearch(PrunableSearch):
    """Dense networks from small to large, until more capacity stops to help.

    Linear, then one hidden layer of `start` units, `factor` times as many, and so on, then the
    best width two, three, … layers deep.
    """

    strategy: Literal["capacity"]
    start: Units = 16
    """Units of the first hidden layer."""
    factor: Annotated[int, Field(strict=True, ge=2, le=64)] = 4
    max_units: Units | None = None
    """The ceiling; 256 when left out, or 1024 with more than 20,000 rows."""
    max_depth: Annotated[int, Field(strict=True, ge=1, le=32)] = 4
    """Hidden layers at most."""
    patience: Annotated[int, Field(strict=True, ge=1, le=10)] = 2
    """So many sizes in a row without a new best mean end the widening; one ends the deepening."""
    seeds: Annotated[int, Field(strict=True, ge=1, le=100)] = 3
    """Each size is trained so often, with seeds that all sizes share: seed, seed + 1, …"""
    activation: ActivationName = "relu"
    """Of every hidden layer."""

    @model_validator(mode="after")
    def _start_below_ceiling(self) -> "CapacitySearch":
        if self.max_units is not None and self.max_units < self.start:
            raise PydanticCustomError(
                "out_of_range", "max_units must not be below start.", {"at": ("max_units",)}
            )
        return self

    @property
    def ceiling(self) -> int:
        """The most units of a layer; `settled` has it follow from the rows."""
        return DEFAULT_CEILING if self.max_units is None else self.max_units

    def settled(self, rows: int) -> "CapacitySearch":
        """The same with its ceiling fixed for so many rows.

        It may not be below `start`: a client who starts large wants to see that size.
        """
        if self.max_units is not None:
            return self
        ceiling = LARGE_CEILING if rows > MANY_ROWS else DEFAULT_CEILING
        return self.model_copy(update={"max_units": max(ceiling, self.start)})


PathSearch = GridSearch | RandomSearch | TpeSearch

SearchSpec = Annotated[
    LearningRatesSearch | NetworksSearch | CapacitySearch | GridSearch | RandomSearch | TpeSearch,
    Field(discriminator="strategy"),
]
