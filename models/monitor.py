"""Which metric decides which epoch, and which trial, is best, and which way it is better."""

from dataclasses import dataclass
from typing import Literal

from models.specs.compile import CompileSpec, directions
from models.specs.fit import FitSpec

Mode = Literal["min", "max"]


@dataclass(frozen=True, slots=True)
class Monitored:
    """The metric by which epochs and trials are judged.

    Attributes:
        metric: as epochs report it, "val_loss".
        mode: "min" or "max": which way it is better.
    """

    metric: str
    mode: Mode

    def better(self, value: float, than: float) -> bool:
        """Whether a value beats another."""
        return value < than if self.mode == "min" else value > than


def monitored(compiled: CompileSpec, fit: FitSpec) -> Monitored:
    """What early stopping monitors; else the validation loss; without validation rows the loss.

    A mode of "auto" is Keras's: by the metric. Where Keras itself does not know the way (counts of
    true positives and the like), smaller counts as better.
    """
    stopping = fit.early_stopping
    if stopping is None:
        return Monitored("val_loss" if fit.validation_split else "loss", "min")
    if stopping.mode != "auto":
        return Monitored(stopping.monitor, stopping.mode)
    direction = directions(compiled).get(stopping.monitor.removeprefix("val_"))
    return Monitored(stopping.monitor, "max" if direction == "up" else "min")
