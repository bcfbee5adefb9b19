"""Keeps out workers that no longer own a trial: their attempt's number is the token."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, select, tuple_, update
from sqlalchemy.orm import Session

from models.errors import LeaseLost
from models.lifecycle import HELD, State
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of one attempt to one trial."""

    trial_id: int
    experiment_id: str
    number: int
    attempt: int


def held(lease: Lease) -> ColumnElement[bool]:
    """Whether the attempt still owns its trial."""
    return and_(
        TrialRow.id == lease.trial_id,
        TrialRow.attempt == lease.attempt,
        TrialRow.state.in_(HELD),
    )


def held_by_one_of(leases: Iterable[Lease]) -> ColumnElement[bool]:
    """Whether one of these attempts still owns the trial."""
    pairs = [(lease.trial_id, lease.attempt) for lease in leases]
    return and_(
        TrialRow.id.in_([trial_id for trial_id, _ in pairs]),  # what an index can be searched with
        tuple_(TrialRow.id, TrialRow.attempt).in_(pairs),
        TrialRow.state.in_(HELD),
    )


def fence(tx: Session, lease: Lease) -> State:
    """Lock the experiment, raise its version, and make sure that the lease still holds.

    Returns:
        running or cancelling.

    Raises:
        LeaseLost: another attempt owns the trial, or nobody.
    """
    tx.execute(
        update(ExperimentRow)
        .where(ExperimentRow.id == lease.experiment_id)
        .values(version=ExperimentRow.version + 1)
    )
    state = tx.scalar(select(TrialRow.state).where(held(lease)).with_for_update())
    if state is None:
        raise LeaseLost
    return state
