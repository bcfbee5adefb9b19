"""Which checkpoints a trial has: registered under its lease, two at a time, gone when it is over.

A row is written after its file is whole and in its place, so a row never names half a file; and a
file is removed after its row is gone for good. A file that no row names is somebody's who was
killed in between: `store.orphans` finds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Session

from models.tables.datasets import ArtifactKind, ArtifactRow
from models.tables.trials import EpochRow
from store.artifacts import Stored
from store.clock import now
from store.fence import Lease, fence
from store.upsert import insert

# The newest, and the one before it for when the newest turns out to be damaged.
KEPT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A point that a trial can go on from.

    Attributes:
        attempt: that wrote it.
        epoch: the last one that is in it.
        seconds: training time up to there.
    """

    attempt: int
    epoch: int
    seconds: float
    key: str
    sha256: str
    bytes: int


def of(tx: Session, lease: Lease) -> tuple[Checkpoint, ...]:
    """Those of a trial, whoever wrote them, the newest first."""
    seconds = (
        select(func.coalesce(func.sum(EpochRow.seconds), 0.0))
        .where(EpochRow.trial_id == lease.trial_id, EpochRow.epoch <= ArtifactRow.epoch)
        .scalar_subquery()
    )
    rows = tx.execute(
        select(
            ArtifactRow.attempt,
            ArtifactRow.epoch,
            seconds.label("seconds"),
            ArtifactRow.key,
            ArtifactRow.sha256,
            ArtifactRow.bytes,
        )
        .where(_of(lease.experiment_id, [lease.number]))
        .order_by(ArtifactRow.attempt.desc(), ArtifactRow.epoch.desc())
    )
    return tuple(Checkpoint(**row._asdict()) for row in rows)


def keys_of(tx: Session, lease: Lease) -> tuple[str, ...]:
    """The keys of those of a trial, the newest first; cheap, however many its epochs are."""
    query = select(ArtifactRow.key).where(_of(lease.experiment_id, [lease.number]))
    newest_first = query.order_by(ArtifactRow.attempt.desc(), ArtifactRow.epoch.desc())
    return tuple(tx.scalars(newest_first))


def register(tx: Session, lease: Lease, epoch: int, stored: Stored) -> tuple[str, ...]:
    """Register a stored checkpoint; safe to repeat when it is not known whether that worked.

    Its own epoch's row has to be there, or to be written in the same transaction.

    Returns:
        The keys of the checkpoints that it makes superfluous, to be deleted after the commit.

    Raises:
        LeaseLost: another attempt owns the trial, or nobody; nothing is written then.
    """
    fence(tx, lease)
    tx.execute(
        insert(tx, ArtifactRow.__table__)
        .values(
            kind=ArtifactKind.CHECKPOINT,
            experiment_id=lease.experiment_id,
            trial=lease.number,
            attempt=lease.attempt,
            epoch=epoch,
            key=stored.key,
            sha256=stored.sha256,
            bytes=stored.bytes,
            created_at=now(),
        )
        .on_conflict_do_nothing(index_elements=["key"])
    )
    superfluous = keys_of(tx, lease)[KEPT:]
    _forget(tx, lease, superfluous)
    return tuple(superfluous)


def forget(tx: Session, lease: Lease, keys: Sequence[str]) -> None:
    """Forget checkpoints that turned out to be of no use; their files go after the commit.

    Raises:
        LeaseLost: another attempt owns the trial, or nobody; nothing is written then.
    """
    fence(tx, lease)
    _forget(tx, lease, keys)


def forget_all(tx: Session, experiment_id: str, trials: Sequence[int]) -> None:
    """Forget those of trials that are over; the files go after the commit, or are collected."""
    if trials:
        tx.execute(delete(ArtifactRow).where(_of(experiment_id, trials)))


def _forget(tx: Session, lease: Lease, keys: Sequence[str]) -> None:
    if keys:
        of_trial = _of(lease.experiment_id, [lease.number])
        tx.execute(delete(ArtifactRow).where(of_trial, ArtifactRow.key.in_(keys)))


def _of(experiment_id: str, trials: Sequence[int]) -> ColumnElement[bool]:
    return and_(
        ArtifactRow.experiment_id == experiment_id,
        ArtifactRow.trial.in_(trials),
        ArtifactRow.kind == ArtifactKind.CHECKPOINT,
    )
