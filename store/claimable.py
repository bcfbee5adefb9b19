"""Which experiments have a trial that a worker could start now, as SQL.

The queue is walked by experiments, not by trials: those that cannot go on are few (each has trials
running, or waits for its data), while one of them may have ten thousand trials.
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
    ExperimentRow.state.in_((State.QUEUED, State.RUNNING)),
)
"""A trial of it may start, as far as its own state goes."""

DATA_READY = (
    select(DatasetRow.id)
    .where(DatasetRow.id == ExperimentRow.dataset_id, DatasetRow.state == DatasetState.READY)
    .exists()
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
    some_queued = (
        select(TrialRow.id)
        .where(TrialRow.experiment_id == ExperimentRow.id, TrialRow.state == State.QUEUED)
        .exists()
    )
    return (
        select(ExperimentRow.id)
        .where(OPEN, DATA_READY, some_queued, has_free_place(), *conditions)
        .order_by(*QUEUE_ORDER)
    )


def fits(device: Device) -> ColumnElement[bool]:
    """Whether a worker with this device may train it."""
    return ExperimentRow.device.in_((Device.ANY, device))
