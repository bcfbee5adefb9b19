"""Facts of an attempt for its experiment's history that are no moves, each told once.

Whoever tells may not learn that it is committed, and tells again then.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.experiments import EventRow
from store import leases
from store.fence import Lease, fence


def tell_once(tx: Session, lease: Lease, kind: str, reason: str) -> None:
    """Write a fact of this attempt into the history, unless it is there.

    Raises:
        LeaseLost: another attempt owns the trial, or nobody.
    """
    fence(tx, lease)
    told = select(EventRow.number).where(
        EventRow.experiment_id == lease.experiment_id,
        EventRow.trial == lease.number,
        EventRow.attempt == lease.attempt,
        EventRow.kind == kind,
        EventRow.reason == reason,
    )
    if tx.scalar(told.limit(1)) is None:
        leases.tell(tx, lease, kind, reason)
