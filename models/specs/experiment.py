"""The spec of an experiment: what a client POSTs, whole."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from models.specs.base import Spec
from models.specs.compile import CompileSpec
from models.specs.data import DataSpec
from models.specs.fit import FitSpec
from models.specs.health import HealthSpec, Origin
from models.specs.network import NetworkSpec
from models.specs.search import (
    MAX_TRIALS,
    CapacitySearch,
    LearningRatesSearch,
    NetworksSearch,
    SearchSpec,
)

# A longer one is a description.
MAX_NAME = 200

# What 32 bits hold with a sign.
MAX_SEED = 2**31 - 1


class Device(StrEnum):
    """What a trial may be trained on."""

    ANY = "any"
    CPU = "cpu"
    GPU = "gpu"


MaxParallel = Annotated[int, Field(strict=True, ge=1, le=1000)]
"""Trials of one experiment that train at the same time, over all workers."""


class Limits(Spec):
    """What an experiment may use."""

    max_parallel: MaxParallel = 4
    """Trials of this experiment that train at the same time, over all workers. Can be changed while
    it runs, by a PATCH."""
    max_seconds: Annotated[float, Field(strict=True, gt=0, le=30 * 24 * 3600)] = 3600.0
    """Training time of one trial, in seconds, over all its attempts."""
    max_failed: Annotated[int, Field(strict=True, ge=1, le=MAX_TRIALS)] = 3
    """So many trained trials in a row that fail with the same code end the search."""
    priority: Annotated[int, Field(strict=True, ge=-100, le=100)] = 0
    """Higher goes first; equal ones by age."""
    device: Device = Device.ANY


class ExperimentSpec(Spec):
    """Data, a network, how to compile and fit it, and optionally what to search over."""

    name: Annotated[str, Field(max_length=MAX_NAME)] = ""
    labels: Annotated[
        dict[
            Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9_.\-/]+$")],
            Annotated[str, Field(max_length=200)],
        ],
        Field(max_length=64),
    ] = Field(default_factory=dict)
    data: DataSpec
    network: NetworkSpec | None = None
    """Left out only where the search brings the networks."""
    compile: CompileSpec = CompileSpec()
    fit: FitSpec = FitSpec()
    search: SearchSpec | None = None
    repeats: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    """How often each setting is trained, each time with its own seed: seed, seed + 1, …"""
    seed: Annotated[int, Field(strict=True, ge=0, le=MAX_SEED)] = 7
    limits: Limits = Limits()
    health: HealthSpec = HealthSpec()
    derived_from: Origin | None = None
    """The conclusion compares with that trial, and says whether the repair helped."""

    @model_validator(mode="after")
    def _one_network(self) -> "ExperimentSpec":
        if isinstance(self.search, NetworksSearch | CapacitySearch):
            if self.network is not None:
                raise PydanticCustomError(
                    "network_twice",
                    "The search over {strategy} brings the networks, so leave network out.",
                    {"at": ("network",), "strategy": self.search.strategy},
                )
        elif self.network is None:
            raise PydanticCustomError(
                "network_missing",
                "network is required, unless a search over networks or capacity brings its own.",
                {"at": ("network",)},
            )
        return self

    @model_validator(mode="after")
    def _one_number_of_seeds(self) -> "ExperimentSpec":
        if isinstance(self.search, CapacitySearch) and self.repeats > 1:
            raise PydanticCustomError(
                "contradiction",
                "search.seeds says how often a search over capacity trains each size, "
                "so leave repeats out.",
                {"at": ("repeats",)},
            )
        return self

    @model_validator(mode="after")
    def _a_seed_for_each_repeat(self) -> "ExperimentSpec":
        """The last one too has to be a seed: the winner's spec names it."""
        repeats = self.search.seeds if isinstance(self.search, CapacitySearch) else self.repeats
        if self.seed > MAX_SEED - (repeats - 1):
            raise PydanticCustomError(
                "out_of_range",
                "Repeats take seed, seed + 1, …, so with {repeats} of them seed may be {most} at "
                "most.",
                {"at": ("seed",), "repeats": repeats, "most": MAX_SEED - (repeats - 1)},
            )
        return self

    @model_validator(mode="after")
    def _one_learning_rate(self) -> "ExperimentSpec":
        scheduled = self.compile.optimizer.constant_rate is None
        if isinstance(self.search, LearningRatesSearch) and scheduled:
            raise PydanticCustomError(
                "schedule_in_comparison",
                "search.learning_rates compares constant rates, so leave the schedule out.",
                {"at": ("compile", "optimizer", "learning_rate")},
            )
        return self
