"""The `compile` part of an experiment spec, as keras.Model.compile: optimizer, loss and metrics."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from models.specs.base import Spec
from models.specs.losses import Auto, Loss
from models.specs.metric import Direction
from models.specs.metrics import Metric
from models.specs.optimizers import Adam, Optimizer

# More columns than this in every epoch's row help nobody.
MAX_METRICS = 20

Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]
"""What layers compute in, by the names of Keras's dtype policies. Weights are float32 in each."""


class CompileSpec(Spec):
    """How the network learns, and what is reported of it."""

    optimizer: Optimizer = Adam()
    loss: Loss = Auto()
    metrics: Annotated[tuple[Metric, ...], Field(max_length=MAX_METRICS)] = ()
    jit_compile: Literal["auto", True, False] = "auto"
    """Compile the training step with XLA; "auto" decides by network and device."""
    precision: Precision = "float32"
    """The mixed ones compute all but the last layer and the loss in 16 bits, faster on a GPU."""

    @field_validator("metrics")
    @classmethod
    def _names_differ(cls, metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
        names = [metric.log_name for metric in metrics]
        for name in names:
            if names.count(name) > 1:
                raise PydanticCustomError(
                    "metric_twice",
                    'two metrics are called "{name}"; give one of them another name',
                    {"name": name},
                )
        return metrics


def metric_names(compiled: CompileSpec) -> tuple[str, ...]:
    """List what an epoch reports of the training rows: "loss" and the metrics' names.

    With validation rows, each appears again behind "val_".
    """
    return ("loss", *(metric.log_name for metric in compiled.metrics))


def directions(compiled: CompileSpec) -> Mapping[str, Direction | None]:
    """Say for each of metric_names which way is better; None where Keras does not know it."""
    ways: dict[str, Direction | None] = {"loss": "down"}
    return ways | {metric.log_name: metric.direction for metric in compiled.metrics}
