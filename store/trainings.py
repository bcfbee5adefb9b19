"""Trainings as they are stored, for whoever judges or draws them.

All epochs of one are read, a hundred thousand at most, which takes a second; so that is done in a
snapshot, while nobody waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue
from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.findings import Check, Finding
from models.lifecycle import State, StopReason
from models.recorded import Recorded
from models.tables.datasets import DatasetRow
from models.tables.experiments import ExperimentRow
from models.tables.trials import EpochRow, MeasurementRow, TrialRow
from store import measurements
from store.fence import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A trial with all that a judge asks for: what was to be trained, on what, and what it did.

    Attributes:
        spec: of its experiment, as another version of the service may have stored it.
        changes: applied to it they give the trial's.
        profile: of the dataset, likewise; None when it was never read.
        findings: that were made at its end.
        checks: that were made with them; None where it was not judged, or by a version that did not
            keep them.
        recorded: where there are checks without its epochs, which nobody has to judge again.
    """

    number: int
    seed: int
    state: State
    stop_reason: StopReason | None
    spec: Mapping[str, JsonValue]
    changes: Mapping[str, JsonValue]
    profile: Mapping[str, JsonValue] | None
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...] | None
    recorded: Recorded


def get(tx: Session, *, owner: str, experiment_id: str, number: int) -> Training:
    """One trial's.

    Raises:
        NotFound: there is no such trial of this owner.
    """
    row = tx.execute(
        select(
            TrialRow.id,
            TrialRow.seed,
            TrialRow.state,
            TrialRow.stop_reason,
            TrialRow.changes,
            TrialRow.findings,
            TrialRow.checks,
            ExperimentRow.spec,
            DatasetRow.profile,
        )
        .join(ExperimentRow, ExperimentRow.id == TrialRow.experiment_id)
        .join(DatasetRow, DatasetRow.id == ExperimentRow.dataset_id)
        .where(
            TrialRow.experiment_id == experiment_id,
            TrialRow.number == number,
            ExperimentRow.owner == owner,
        )
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no trial {number} of an experiment {experiment_id}.")
    return Training(
        number=number,
        seed=row.seed,
        state=row.state,
        stop_reason=row.stop_reason,
        spec=row.spec,
        changes=row.changes,
        profile=row.profile,
        findings=tuple(Finding.model_validate(finding) for finding in row.findings or ()),
        checks=tuple(map(Check.model_validate, row.checks)) if row.checks else None,
        recorded=_recorded(tx, row.id, false() if row.checks else true(), true()),
    )


def recorded_by(tx: Session, lease: Lease, resumed: int) -> Recorded:
    """What an attempt recorded, and those before it up to epoch `resumed`.

    From there this one went on, and its end will have the rest forgotten: see `epochs.settle`.
    """

    def own(row: type[EpochRow | MeasurementRow]) -> ColumnElement[bool]:
        return or_(row.epoch <= resumed, row.attempt == lease.attempt)

    return _recorded(tx, lease.trial_id, own(EpochRow), own(MeasurementRow))


def _recorded(
    tx: Session, trial_id: int, epochs: ColumnElement[bool], measured: ColumnElement[bool]
) -> Recorded:
    rows = tx.execute(
        select(EpochRow.metrics, EpochRow.learning_rate)
        .where(EpochRow.trial_id == trial_id, epochs)
        .order_by(EpochRow.epoch)
    ).all()
    return Recorded(
        epochs=tuple(row.metrics for row in rows),
        learning_rates=tuple(row.learning_rate for row in rows),
        measurements=measurements.of(tx, trial_id, measured),
    )
