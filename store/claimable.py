"""Which experiments have a trial that a worker could start now, as SQL.

The queue is walked by experiments, not by trials: those that cannot go on are few (each has trials
running, or waits for its data), while one of them may have ten thousand trials. Every condition on
another table is a scalar subquery, and the others say what is refused: a planner that has no
statistics yet then expects most experiments to qualify, and walks the queue's index up to the first
that does, where an EXISTS or an IN makes it join and sort them all.
"""

from functools import cache

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, select

from models.lifecycle import HELD, DatasetState, State
from models.specs.experiment import Device
from models.tables.datasets import DatasetRow
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow

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


HAS_FREE_PLACE = trials_in(*HELD) < ExperimentRow.max_parallel
"""Fewer trials than max_parallel are held by workers, at this very statement."""

_HAS_QUEUED = (
    select(TrialRow.number)
    .where(TrialRow.experiment_id == ExperimentRow.id, TrialRow.state == State.QUEUED)
    .order_by(TrialRow.number)
    .limit(1)
    .correlate(ExperimentRow)
    .scalar_subquery()
    .is_not(None)
)

IN_QUEUE_ORDER = (
    select(ExperimentRow.id)
    .where(OPEN, DATA_READY, _HAS_QUEUED, HAS_FREE_PLACE)
    .order_by(*QUEUE_ORDER)
)
"""The ids of experiments with a claimable trial, in the order they are served."""


OLDEST = (
    select(
        TrialRow.id,
        TrialRow.number,
        TrialRow.changes,
        TrialRow.seed,
        ExperimentRow.state,
        ExperimentRow.spec,
        DatasetRow.folder,
        DatasetRow.profile,
    )
    .join(ExperimentRow, ExperimentRow.id == TrialRow.experiment_id)
    .join(DatasetRow, DatasetRow.id == ExperimentRow.dataset_id)
    .where(
        TrialRow.experiment_id == bindparam("experiment"),
        TrialRow.state == State.QUEUED,
        ExperimentRow.state.in_((State.QUEUED, State.RUNNING)),
        HAS_FREE_PLACE,
    )
    .order_by(TrialRow.number)
    .limit(1)
)
"""The oldest queued trial of an experiment that is open and has a free place, with what it needs.

Open by its state alone: with the condition of the queue's index a planner without statistics would
walk that index to find the experiment.
"""


@cache
def next_for(device: Device, *, wait: bool) -> Select[str]:
    """Find and lock the experiment to be served by a worker with this device.

    Those that are locked are waited for, or passed over. Kept, because building it costs more than
    running it.
    """
    other_devices = set(Device) - {Device.ANY, device}
    return (
        IN_QUEUE_ORDER.where(ExperimentRow.device.not_in(other_devices))
        .limit(1)
        .with_for_update(of=ExperimentRow, skip_locked=not wait)
    )
