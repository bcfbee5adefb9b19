"""The worker processes, as they report themselves. What they hold is counted from the leases."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.orm import Session

from models.specs.experiment import Device
from models.tables.trials import TrialRow
from models.tables.workers import WorkerKind, WorkerRow
from models.views.service import WorkerView
from store.clock import now
from store.leases import LEASE_SECONDS
from store.upsert import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """What a worker says of itself with every heartbeat.

    Attributes:
        name: kind@host:pid:start, unique among all that ever ran; its claims bear it.
        slots: trials it trains at the same time.
    """

    name: str
    kind: WorkerKind
    device: Device
    slots: int
    host: str
    pid: int
    version: str


def report(tx: Session, worker: WorkerReport) -> None:
    """Note that a worker is alive."""
    values: dict[str, Any] = {
        "name": worker.name,
        "kind": worker.kind,
        "device": worker.device,
        "slots": worker.slots,
        "host": worker.host,
        "pid": worker.pid,
        "version": worker.version,
    }
    tx.execute(
        insert(tx, WorkerRow.__table__)
        .values(**values, started_at=now(), heartbeat_at=now())
        .on_conflict_do_update(
            index_elements=["name"], set_={"heartbeat_at": now(), "slots": worker.slots}
        )
    )


def leave(tx: Session, name: str) -> None:
    """Forget a worker that ends in good order."""
    tx.execute(delete(WorkerRow).where(WorkerRow.name == name))


def page(tx: Session, alive_seconds: float = LEASE_SECONDS) -> tuple[WorkerView, ...]:
    """All that have reported themselves lately, by name."""
    holding = (
        select(TrialRow.worker, func.count().label("trials"))
        .where(TrialRow.lease_until.is_not(None))
        .group_by(TrialRow.worker)
        .subquery()
    )
    rows = tx.execute(
        select(
            WorkerRow,
            func.coalesce(holding.c.trials, 0),
            WorkerRow.heartbeat_at > now(-alive_seconds),
        )
        .outerjoin(holding, holding.c.worker == WorkerRow.name)
        .order_by(WorkerRow.name)
    )
    return tuple(
        WorkerView(
            name=row.name,
            kind=row.kind,
            device=row.device,
            slots=row.slots,
            busy=busy,
            host=row.host,
            pid=row.pid,
            version=row.version,
            started_at=row.started_at,
            heartbeat_at=row.heartbeat_at,
            alive=bool(alive),
        )
        for row, busy, alive in rows
    )


def forget_silent(tx: Session, seconds: float) -> int:
    """Forget workers that have been silent for so long; gives how many that were."""
    result = tx.execute(delete(WorkerRow).where(WorkerRow.heartbeat_at < now(-seconds)))
    return result.rowcount if isinstance(result, CursorResult) else 0
