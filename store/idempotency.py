"""Remembers the first answer to a POST with an Idempotency-Key, in that POST's own transaction.

Two such POSTs at once: the key is a primary key, so one commits and the other is told by `KeyTaken`
to start anew, and then finds the answer.
"""

from collections.abc import Mapping
from datetime import timedelta

from pydantic import JsonValue
from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from models.errors import EpochdError, KeyReused
from models.tables.experiments import IdempotencyRow
from store.clock import now
from store.upsert import insert

# As the documentation promises to clients.
KEPT = timedelta(hours=24)


class KeyTaken(EpochdError):
    """Another request with the same Idempotency-Key was quicker; its answer is there now."""

    code = "idempotency_key_taken"


def replay(
    tx: Session, *, owner: str, key: str, request_sha256: str
) -> Mapping[str, JsonValue] | None:
    """The first answer to this request; None when this is the first.

    Raises:
        KeyReused: the key was used before with another body.
    """
    row = tx.scalar(
        select(IdempotencyRow).where(IdempotencyRow.owner == owner, IdempotencyRow.key == key)
    )
    if row is None:
        return None
    if row.request_sha256 != request_sha256:
        raise KeyReused
    return row.answer


def remember(
    tx: Session,
    *,
    owner: str,
    key: str,
    request_sha256: str,
    experiment_id: str,
    answer: Mapping[str, JsonValue],
) -> None:
    """Keep the answer of this transaction's work.

    Raises:
        KeyTaken: another request was quicker. Roll back, then `replay` its answer.
    """
    mine = tx.scalar(
        insert(tx, IdempotencyRow.__table__)
        .values(
            owner=owner,
            key=key,
            request_sha256=request_sha256,
            experiment_id=experiment_id,
            answer=dict(answer),
            created_at=now(),
        )
        .on_conflict_do_nothing(index_elements=["owner", "key"])
        .returning(IdempotencyRow.key)
    )
    if mine is None:
        raise KeyTaken


def forget_older(tx: Session, kept: timedelta = KEPT) -> int:
    """Forget what is older than was promised; gives how many answers that were."""
    too_old = IdempotencyRow.created_at < now(-kept.total_seconds())
    result = tx.execute(delete(IdempotencyRow).where(too_old))
    return result.rowcount if isinstance(result, CursorResult) else 0
