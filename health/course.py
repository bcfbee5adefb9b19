"""All that is known of a training when it is judged: what was asked, and what it did."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.facts import DataFacts
from models.lifecycle import StopReason
from models.measurements import Measurement
from models.monitor import Monitored
from models.trial import TrialSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One training, over or under way.

    Attributes:
        trial: what was trained, nothing left open.
        facts: of its data.
        monitored: by what it is compared.
        epochs: metrics of the epochs 1, 2, …, None where a number was not finite.
        learning_rates: of the same epochs; None where it was not finite.
        measurements: oldest first, from epoch 0 on; short epochs are not all measured, and none is
            where the spec turns that off.
        best_epoch: of the monitored metric; None without a finite value.
        stop_reason: how it ended; None while it runs.
    """

    trial: TrialSpec
    facts: DataFacts
    monitored: Monitored
    epochs: tuple[Mapping[str, float | None], ...]
    learning_rates: tuple[float | None, ...]
    measurements: tuple[Measurement, ...]
    best_epoch: int | None
    stop_reason: StopReason | None
