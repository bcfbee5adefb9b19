"""Which experiments have a trial that a worker could start now, as SQL.

The queue is walked by experiments, not by trials: those that cannot go on are few (each has trials
running, or waits for its data), while one of them may have ten thousand trials. Every condition on
another table is a scalar subquery, and the others say what is refused: a planner that has no
statistics yet then expects most experiments to qualify, and walks the queue's index up to the first
that does, where an EXISTS or an IN makes it join and sort them all.
"""

from sqlalchemy import ColumnElement, Select, and_, func, select

from models.lifecycle import DatasetState, State
from models.specs.experiment import Device
from models.tables.datasets import DatasetRow
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from store.moves import HELD

QUEUE_ORDER = (ExperimentRow.precedence, ExperimentRow.created_at, ExperimentRow.id)

OPEN = and_(
    ExperimentRow.finished_at.is_(None),  # the index of the queue
    ExperimentRow.state != State.CANCELLING,
)
"""It is queued or running, so that a trial of it may start."""

DATA_READY = (
    select(DatasetRow.id)
    .where(DatasetRow.id == ExperimentRow.dataset_id, DatasetRow.state == DatasetState.READY)
    .correlate(ExperimentRow)
    .scalar_subquery()
    .is_not(None)
)


def trials_in(*states: State) -> ColumnElement[int]:
    """How many of an experiment's trials are in one of these states."""
    return (
        select(func.count())
        .select_from(TrialRow)
        .where(TrialRow.experiment_id == ExperimentRow.id, TrialRow.state.in_(states))
        .correlate(ExperimentRow)
        .scalar_subquery()
    )


def has_free_place() -> ColumnElement[bool]:
    """Whether fewer trials than max_parallel are held by workers, at this very statement."""
    return trials_in(*HELD) < ExperimentRow.max_parallel


def in_queue_order(*conditions: ColumnElement[bool]) -> Select[str]:
    """The ids of experiments with a claimable trial, in the order they are served."""
    oldest_queued = (
        select(TrialRow.number)
        .where(TrialRow.experiment_id == ExperimentRow.id, TrialRow.state == State.QUEUED)
        .order_by(TrialRow.number)
        .limit(1)
        .correlate(ExperimentRow)
        .scalar_subquery()
    )
    return (
        select(ExperimentRow.id)
        .where(OPEN, DATA_READY, oldest_queued.is_not(None), has_free_place(), *conditions)
        .order_by(*QUEUE_ORDER)
    )


def fits(device: Device) -> ColumnElement[bool]:
    """Whether a worker with this device may train it."""
    return ExperimentRow.device.not_in(set(Device) - {Device.ANY, device})
