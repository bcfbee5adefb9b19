"""One trial with all that a judge asks for: what was to be trained, on what, and what it did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.findings import Finding
from models.lifecycle import State, StopReason
from models.recorded import Recorded
from models.tables.datasets import DatasetRow
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from store import recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A trial as it is stored.

    Attributes:
        spec: of its experiment, as another version of the service may have stored it.
        changes: applied to it they give the trial's.
        profile: of the dataset, likewise; None when it was never read.
        findings: that were made at its end.
    """

    number: int
    seed: int
    state: State
    stop_reason: StopReason | None
    spec: Mapping[str, Any]
    changes: Mapping[str, Any]
    profile: Mapping[str, Any] | None
    findings: tuple[Finding, ...]
    recorded: Recorded


def get(tx: Session, *, owner: str, experiment_id: str, number: int) -> Training:
    """One trial.

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
        recorded=recorded.of(tx, row.id),
    )
