"""All that is known of a training when it is judged: what was asked, and what it did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from models import data_meaning
from models.facts import DataFacts
from models.lifecycle import StopReason
from models.measurements import Measurement
from models.monitor import Monitored, monitored
from models.profile import DatasetProfile
from models.recorded import Recorded
from models.resolve import resolve
from models.specs.experiment import ExperimentSpec
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

    @property
    def hands_out_best(self) -> bool:
        """Whether the network that is handed out has the weights of the best epoch."""
        stopping = self.trial.fit.early_stopping
        return stopping is not None and stopping.restore_best_weights

    @property
    def hands_out_validated(self) -> bool:
        """The same, and the best by validation rows: others may know the training rows by heart."""
        return self.hands_out_best and self.monitored.metric.startswith("val_")


def course_of(
    spec: ExperimentSpec,
    changes: Mapping[str, JsonValue],
    profile: DatasetProfile,
    recorded: Recorded,
    *,
    seed: int,
    stop_reason: StopReason | None,
) -> Course:
    """One trial's, from what is stored of it.

    Args:
        spec: of the experiment.
        changes: applied to it they give the trial's.
        profile: of the dataset.
        recorded: what became of it so far.
        seed: of the trial.
        stop_reason: how it ended; None while it runs.

    Raises:
        Invalid: the spec does not fit the data, by this version of the service.
    """
    trial = resolve(spec, changes, profile, seed=seed)
    judged_by = monitored(spec.compile, spec.fit)
    return Course(
        trial=trial,
        facts=data_meaning.facts(profile, trial.data),
        monitored=judged_by,
        epochs=recorded.epochs,
        learning_rates=recorded.learning_rates,
        measurements=recorded.measurements,
        best_epoch=_best_epoch(recorded.epochs, judged_by),
        stop_reason=stop_reason,
    )


def _best_epoch(epochs: Iterable[Mapping[str, float | None]], judged_by: Monitored) -> int | None:
    """The first with the best value."""
    values = ((epoch, row.get(judged_by.metric)) for epoch, row in enumerate(epochs, start=1))
    finite = ((value, epoch) for epoch, value in values if value is not None)
    sign = 1 if judged_by.mode == "min" else -1
    best = min(finite, key=lambda pair: sign * pair[0], default=None)
    return None if best is None else best[1]
