"""Reading a dataset: claimed by a control worker, then ready, or failed with all that waits for it.

As with trials the attempt's number is the fencing token, and the database's clock the only one.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, null, or_, select, update
from sqlalchemy.orm import Session

from models import failures
from models.errors import LeaseLost
from models.lifecycle import DatasetState, StopReason
from models.profile import DatasetProfile
from models.tables.datasets import DatasetRow, Source
from models.tables.experiments import ExperimentRow
from models.views.base import Problem
from store import moves
from store.clock import now

_FREE = {"worker": null(), "lease_until": null()}


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestClaim:
    """A dataset to read; the attempt is the fencing token.

    Attributes:
        upload: key of the bytes as they came; None for a built-in dataset.
    """

    dataset_id: str
    attempt: int
    owner: str
    name: str
    source: Source
    sha256: str
    upload: str | None


def claim(tx: Session, dataset_id: str, worker: str, lease_seconds: float) -> IngestClaim | None:
    """Take a dataset to read it; None when it is being read, was read, or is gone.

    One whose lease ran out may be read still, by a worker that could not renew it because the
    database was away: only `expire` judges that.
    """
    row = tx.execute(
        update(DatasetRow)
        .where(
            DatasetRow.id == dataset_id,
            DatasetRow.state == DatasetState.PROCESSING,
            DatasetRow.deleted_at.is_(None),
            DatasetRow.lease_until.is_(None),
        )
        .values(attempt=DatasetRow.attempt + 1, worker=worker, lease_until=now(lease_seconds))
        .returning(
            DatasetRow.attempt,
            DatasetRow.owner,
            DatasetRow.name,
            DatasetRow.source,
            DatasetRow.sha256,
            DatasetRow.upload,
        )
    ).one_or_none()
    if row is None:
        return None
    return IngestClaim(dataset_id=dataset_id, **row._asdict())


def renew(tx: Session, claim: IngestClaim, lease_seconds: float) -> None:
    """Keep the dataset for another while.

    Raises:
        LeaseLost: another reads it now, or it was deleted.
    """
    _change(tx, claim, lease_until=now(lease_seconds))


def release(tx: Session, claim: IngestClaim) -> None:
    """Give it back unread, as on a drain: `unread` finds it, and `expire` does not.

    Raises:
        LeaseLost: another reads it now, or it was deleted.
    """
    _change(tx, claim, **_FREE)


def ready(
    tx: Session,
    claim: IngestClaim,
    *,
    profile: DatasetProfile,
    folder: str,
    size: int | None = None,
) -> str | None:
    """Say what was found, and where its rows are. `size` is for built-in ones: bytes fetched.

    Returns:
        Key of the uploaded bytes, which are not needed any more: to be deleted after the commit.

    Raises:
        LeaseLost: another reads it now, or it was deleted.
    """
    _change(
        tx,
        claim,
        state=DatasetState.READY,
        profile=profile.model_dump(mode="json"),
        folder=folder,
        upload=null(),
        finished_at=now(),
        **_FREE,
        **({} if size is None else {"bytes": size}),
    )
    return claim.upload


def fail(tx: Session, claim: IngestClaim, problem: Problem) -> tuple[str, ...]:
    """Say why it cannot be read, and fail the queued trials that wait for it.

    Returns:
        The ids of their experiments, which have to be advanced.

    Raises:
        LeaseLost: another reads it now, or it was deleted.
    """
    _change(
        tx,
        claim,
        state=DatasetState.FAILED,
        error=problem.model_dump(mode="json"),
        finished_at=now(),
        **_FREE,
    )
    return _fail_waiting(tx, claim.dataset_id, problem)


def expire(tx: Session, max_attempts: int, *, before: datetime | None = None) -> None:
    """Take every dataset from a reader that went silent; fail it at the last time that is allowed.

    One that may be tried again is found by `unread`. `before` is when the lease must have run out,
    by the database's clock; now when left out. The experiments that waited have to be advanced.
    """
    overdue = and_(
        DatasetRow.state == DatasetState.PROCESSING,
        DatasetRow.deleted_at.is_(None),
        DatasetRow.lease_until < (now() if before is None else before),
    )
    tx.execute(update(DatasetRow).where(overdue, DatasetRow.attempt < max_attempts).values(**_FREE))
    rows = tx.scalars(
        select(DatasetRow)
        .where(overdue, DatasetRow.attempt >= max_attempts)
        .order_by(DatasetRow.id)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        detail = f"Whoever read it went silent {row.attempt} times; it may be too large."
        fail(tx, _claim_of(row), failures.problem(StopReason.WORKER_LOST, detail))


def unread(tx: Session, silent_seconds: float, limit: int = 100) -> tuple[str, ...]:
    """Datasets that nobody reads although the bell rang a while ago; it is to ring again now."""
    rung_before = DatasetRow.rung_at < now(-silent_seconds)
    ids = tx.scalars(
        select(DatasetRow.id)
        .where(
            DatasetRow.state == DatasetState.PROCESSING,
            DatasetRow.deleted_at.is_(None),
            or_(DatasetRow.rung_at.is_(None), rung_before),
            DatasetRow.lease_until.is_(None),
        )
        .order_by(DatasetRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    tx.execute(update(DatasetRow).where(DatasetRow.id.in_(ids)).values(rung_at=now()))
    return tuple(ids)


def _change(tx: Session, claim: IngestClaim, **values: object) -> None:
    changed = tx.execute(
        update(DatasetRow)
        .where(
            DatasetRow.id == claim.dataset_id,
            DatasetRow.attempt == claim.attempt,
            DatasetRow.state == DatasetState.PROCESSING,
            DatasetRow.deleted_at.is_(None),
        )
        .values(**values)
        .returning(DatasetRow.id)
    ).all()
    if not changed:
        raise LeaseLost("Another worker reads this dataset now, or it is gone.")


def _fail_waiting(tx: Session, dataset_id: str, problem: Problem) -> tuple[str, ...]:
    waiting = tx.scalars(
        select(ExperimentRow.id)
        .where(ExperimentRow.dataset_id == dataset_id, ExperimentRow.finished_at.is_(None))
        .order_by(ExperimentRow.id)
        .with_for_update()
    ).all()
    for experiment_id in waiting:
        moves.fail_queued(tx, experiment_id, problem)
    return tuple(waiting)


def _claim_of(row: DatasetRow) -> IngestClaim:
    return IngestClaim(
        dataset_id=row.id,
        attempt=row.attempt,
        owner=row.owner,
        name=row.name,
        source=row.source,
        sha256=row.sha256,
        upload=row.upload,
    )
