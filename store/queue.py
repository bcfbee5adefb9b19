"""What waits and what runs, over all owners; and what the bell has to be rung for again."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from models.lifecycle import HELD, DatasetState, State
from models.specs.experiment import Device
from models.tables.datasets import DatasetRow
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from models.tables.workers import WorkerKind
from models.views.service import QueueView, WorkerView
from store import claimable, workers
from store.clock import now
from store.leases import LEASE_SECONDS


@dataclass(frozen=True, slots=True)
class Waiting:
    """Trials that a worker could start now, though nobody does."""

    device: Device
    count: int


def view(tx: Session, alive_seconds: float = LEASE_SECONDS) -> QueueView:
    """The queue as it stands."""
    states = _trials_by_state(tx)
    oldest, asked_at = _oldest_queued(tx)
    alive = _train_workers(tx, alive_seconds)
    return QueueView(
        queued=states[State.QUEUED],
        running=states[State.RUNNING],
        cancelling=states[State.CANCELLING],
        waiting_for_data=_waiting_for_data(tx),
        oldest_queued_seconds=(asked_at - oldest).total_seconds() if oldest else None,
        slots=sum(worker.slots for worker in alive),
        datasets_processing=_datasets_processing(tx),
    )


def unrung(
    tx: Session, silent_seconds: float, alive_seconds: float = LEASE_SECONDS
) -> tuple[Waiting, ...]:
    """What the bell is to be rung for again, now.

    Claimable trials of experiments for which it last rang a while ago; no more than there are idle
    slots to hear it, so that messages do not pile up behind long trainings.
    """
    alive = _train_workers(tx, alive_seconds)
    silent = or_(ExperimentRow.rung_at.is_(None), ExperimentRow.rung_at < now(-silent_seconds))
    found = []
    for device in Device:
        idle = sum(
            max(0, worker.slots - worker.busy)
            for worker in alive
            if device in {Device.ANY, worker.device}
        )
        wanted = _note_rung(tx, and_(silent, ExperimentRow.device == device), idle)
        if wanted:
            found.append(Waiting(device, min(wanted, idle)))
    return tuple(found)


def _note_rung(tx: Session, chosen: ColumnElement[bool], idle: int) -> int:
    """Choose experiments to ring for, note it, and give how many trials of theirs could start."""
    if idle == 0:
        return 0
    query = claimable.IN_QUEUE_ORDER.where(chosen).limit(idle)
    ids = tx.scalars(query.with_for_update(of=ExperimentRow, skip_locked=True)).all()
    tx.execute(update(ExperimentRow).where(ExperimentRow.id.in_(ids)).values(rung_at=now()))
    places = ExperimentRow.max_parallel - claimable.trials_in(*HELD)
    rows = tx.execute(
        select(places, claimable.trials_in(State.QUEUED)).where(ExperimentRow.id.in_(ids))
    )
    return sum(min(free, queued) for free, queued in rows)


def _trials_by_state(tx: Session) -> Counter[State]:
    rows = tx.execute(
        select(TrialRow.state, func.count())
        .join(ExperimentRow, ExperimentRow.id == TrialRow.experiment_id)
        .where(ExperimentRow.finished_at.is_(None), TrialRow.state.in_((State.QUEUED, *HELD)))
        .group_by(TrialRow.state)
    )
    return Counter(dict(rows.all()))


def _oldest_queued(tx: Session) -> tuple[datetime | None, datetime]:
    row = tx.execute(
        select(func.min(TrialRow.queued_at), now())
        .join(ExperimentRow, ExperimentRow.id == TrialRow.experiment_id)
        .where(ExperimentRow.finished_at.is_(None), TrialRow.state == State.QUEUED)
    ).one()
    return row[0], row[1]


def _waiting_for_data(tx: Session) -> int:
    query = (
        select(func.count())
        .select_from(TrialRow)
        .join(ExperimentRow, ExperimentRow.id == TrialRow.experiment_id)
        .where(claimable.OPEN, TrialRow.state == State.QUEUED, ~claimable.DATA_READY)
    )
    return tx.scalars(query).one()


def _datasets_processing(tx: Session) -> int:
    query = select(func.count()).where(
        DatasetRow.state == DatasetState.PROCESSING, DatasetRow.deleted_at.is_(None)
    )
    return tx.scalars(query).one()


def _train_workers(tx: Session, alive_seconds: float) -> list[WorkerView]:
    return [
        worker
        for worker in workers.page(tx, alive_seconds)
        if worker.alive and worker.kind == WorkerKind.TRAIN
    ]
