"""What is stored of a training: its curves, and what was measured of its network."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.measurements import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One training as far as it has come.

    Attributes:
        epochs: metrics of the epochs 1, 2, …, None where a number was not finite.
        learning_rates: of the same epochs; None where it was not finite.
        measurements: oldest first, from epoch 0 on; a long training's are thinned.
    """

    epochs: tuple[Mapping[str, float | None], ...]
    learning_rates: tuple[float | None, ...]
    measurements: tuple[Measurement, ...]
