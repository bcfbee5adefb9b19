"""Courses made by hand for the tests of rules: a healthy one, and what a test changes in it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from health.course import Course
from models.facts import DataFacts
from models.lifecycle import StopReason
from models.measurements import LayerMeasurement, Measurement, PairedLosses
from models.monitor import monitored
from models.resolve import complete
from models.specs.experiment import ExperimentSpec
from models.trial import TrialSpec, changed

FACTS = DataFacts(input_shape=(4,), task="classification", classes=("a", "b", "c"), rows=300)
PRIOR = 1.1
HIDDEN, OUTPUT = "dense", "output"


def spec(**parts: Any) -> ExperimentSpec:
    """Three classes by one hidden layer of ten units, unless parts say otherwise."""
    network = {"layers": [{"layer": "Dense", "units": 10, "activation": "relu"}]}
    return ExperimentSpec.model_validate({"data": {"dataset": "ds_1"}, "network": network} | parts)


def trial_of(experiment: ExperimentSpec, changes: Mapping[str, Any] | None = None) -> TrialSpec:
    trial = changed(experiment, changes or {})
    resolved = complete(trial, FACTS)
    return TrialSpec(
        data=trial.data,
        network=resolved.network,
        compile=resolved.compile,
        fit=trial.fit,
        seed=trial.seed,
    )


def hidden(**values: Any) -> LayerMeasurement:
    """A healthy hidden layer, but for these values."""
    usual: dict[str, Any] = {
        "layer": HIDDEN,
        "units": 10,
        "zeros": 0.5,
        "dead": 0.0,
        "silent": 0.0,
        "kernel_gradient": 0.3,
        "bias_gradient": 0.1,
        "kernel_norm": 3.0,
        "bias_norm": 0.1,
        "update_ratio": 0.03,
    }
    return LayerMeasurement(**(usual | values))


def measurement(
    epoch: int, *, layers: Sequence[LayerMeasurement] = (), **values: Any
) -> Measurement:
    """A healthy one, but for these values and layers."""
    output = LayerMeasurement(
        layer=OUTPUT,
        units=3,
        kernel_gradient=0.3,
        kernel_norm=1.0,
        bias_norm=0.1,
        update_ratio=0.03,
    )
    usual: dict[str, Any] = {
        "epoch": epoch,
        "rows": 210,
        "layers": (*(layers or (hidden(update_ratio=None if epoch == 0 else 0.03),)), output),
        "loss": PRIOR if epoch == 0 else 0.3,
        "prior": PRIOR,
        "largest_input": 3.0,
        "commonest": 0.4,
        "minority": 0.3,
        "minority_recall": 0.9,
    }
    return Measurement(**(usual | values))


def paired(mean: float, *, since: int = 1, error: float = 0.01) -> PairedLosses:
    return PairedLosses(since=since, mean=mean, standard_error=error, rows=90)


def course(
    experiment: ExperimentSpec | None = None,
    *,
    losses: Sequence[float | None] = (1.0, 0.8, 0.6, 0.5, 0.45, 0.4, 0.38, 0.35, 0.33, 0.3, 0.31),
    validation: Sequence[float | None] | None = None,
    measurements: Sequence[Measurement] | None = None,
    stop_reason: StopReason | None = StopReason.COMPLETED,
) -> Course:
    """A healthy one, but for what is given."""
    trial = trial_of(experiment or spec())
    seen = [each.loss for each in measurements or () if each.epoch and each.loss is not None]
    beside = [each and max(each, *seen, 0.0) for each in losses]  # as bad as was measured
    rows = tuple(
        {"loss": loss, "val_loss": other}
        for loss, other in zip(losses, validation or beside, strict=True)
    )
    measured = (
        (measurement(0), measurement(1), measurement(len(rows)))
        if measurements is None
        else tuple(measurements)
    )
    return Course(
        trial=trial,
        facts=FACTS,
        monitored=monitored(trial.compile, trial.fit),
        epochs=rows,
        learning_rates=(0.001,) * len(rows),
        measurements=measured,
        best_epoch=len(rows) or None,
        stop_reason=stop_reason,
    )


def with_output_layer(found: Course, **values: Any) -> Course:
    """The same with these values for the last layer, in each measurement."""
    changed_ones = tuple(
        each.model_copy(
            update={"layers": (*each.layers[:-1], each.layers[-1].model_copy(update=values))}
        )
        for each in found.measurements
    )
    return replace(found, measurements=changed_ones)


def of_numbers(judged: Course) -> Course:
    """The same, as of a regression."""
    return replace(judged, facts=replace(judged.facts, classes=None))
