"""From what is stored of a training to what a client sees of its health: series and judgement.

The judgement is the one that was made at its end. A training under way is judged by the same rules,
so it is told what it would be.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from health.course import course_of
from health.judge import judge
from models.errors import Invalid
from models.findings import NOT_JUDGED, Judgement
from models.lifecycle import JUDGED
from models.measurements import LayerMeasurement, Measurement
from models.profile import DatasetProfile
from models.specs.experiment import ExperimentSpec
from models.views.health import LayerSeries, Series, TrialHealth
from store.trainings import Training

log = logging.getLogger(__name__)

_OF_TRIAL = ("loss", "commonest", "minority_recall")
_OF_LAYER = (
    "zeros",
    "dead",
    "silent",
    "saturated",
    "kernel_gradient",
    "bias_gradient",
    "kernel_norm",
    "bias_norm",
    "update_ratio",
)

_PROFILE: TypeAdapter[DatasetProfile] = TypeAdapter(DatasetProfile)


def view(experiment_id: str, training: Training) -> TrialHealth:
    """All that there is to say."""
    measured = training.recorded.measurements
    last = measured[-1] if measured else None
    judgement = _judgement(experiment_id, training)
    return TrialHealth(
        experiment=experiment_id,
        trial=training.number,
        state=training.state,
        rows=last and last.rows,
        # The probe and its targets are the same at every epoch.
        largest_input=last and last.largest_input,
        prior=last and last.prior,
        minority=last and last.minority,
        epochs=tuple(each.epoch for each in measured),
        layers=_layers(measured),
        **{name: _series(measured, name) for name in _OF_TRIAL},
        since_best=tuple(each.since_best for each in measured),
        since_last=tuple(each.since_last for each in measured),
        lack_of_fit=last and last.lack_of_fit,
        findings=judgement.findings,
        checks=judgement.checks,
    )


def _judgement(experiment_id: str, training: Training) -> Judgement:
    """What was judged at its end; what would be now of a training that came to none of its own.

    An earlier version kept only what was found, and the rules that found nothing are asked again.
    """
    if training.checks is not None:
        return Judgement(findings=training.findings, checks=training.checks)
    judged = _judged_now(experiment_id, training)
    if training.stop_reason in JUDGED:
        return replace(judged, findings=training.findings)
    return judged


def _judged_now(experiment_id: str, training: Training) -> Judgement:
    """What the rules say; nothing where that cannot be told, and the series are shown still.

    The spec may be that of another version of the service, or one that could not be trained.
    """
    try:
        spec = ExperimentSpec.model_validate(training.spec)
        course = course_of(
            spec,
            training.changes,
            _PROFILE.validate_python(training.profile),
            training.recorded,
            seed=training.seed,
            stop_reason=training.stop_reason,
        )
        return judge(course, spec=spec, changes=training.changes)
    except (ValidationError, Invalid) as unreadable:
        log.info("trial %d of %s is not judged: %s", training.number, experiment_id, unreadable)
    except Exception:
        log.exception("trial %d of %s cannot be judged", training.number, experiment_id)
    return NOT_JUDGED


def _layers(measured: Sequence[Measurement]) -> tuple[LayerSeries, ...]:
    if not measured:
        return ()
    by_name = [{layer.layer: layer for layer in each.layers} for each in measured]
    return tuple(
        LayerSeries(
            layer=layer.layer,
            units=layer.units,
            **{name: _series([at.get(layer.layer) for at in by_name], name) for name in _OF_LAYER},
        )
        for layer in measured[-1].layers
    )


def _series(measured: Sequence[Measurement | LayerMeasurement | None], name: str) -> Series:
    values = tuple(getattr(each, name, None) for each in measured)
    return () if all(value is None for value in values) else values
