"""Stored files that no row names and none ever will: of workers that were killed in between.

A file is stored before its row is written, so one without a row may be the newest of all. Whoever
asks has listed the files before the transaction began: what a row names by then is seen to be
named, and only an attempt that still holds its trial can name another.
"""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.lifecycle import HELD
from models.tables.datasets import ArtifactRow, DatasetRow
from models.tables.trials import TrialRow
from store import keys

Attempt = tuple[str, int, int]


def of_experiments(tx: Session, listed: Collection[str]) -> tuple[str, ...]:
    """Those of these keys that are of attempts that have ended, and that no row names."""
    attempts = {key: attempt for key in listed if (attempt := keys.attempt_of(key)) is not None}
    named = set(tx.scalars(select(ArtifactRow.key).where(ArtifactRow.key.in_(attempts))))
    going_on = _held(tx, {experiment_id for experiment_id, _, _ in attempts.values()})
    return tuple(
        key for key, attempt in attempts.items() if key not in named and attempt not in going_on
    )


def of_uploads(tx: Session, listed: Collection[str]) -> tuple[str, ...]:
    """Those of these keys that no dataset is to be read from; some may be about to get one."""
    needed = select(DatasetRow.upload).where(
        DatasetRow.upload.in_(listed), DatasetRow.deleted_at.is_(None)
    )
    named = set(tx.scalars(needed))
    return tuple(key for key in listed if key not in named)


def _held(tx: Session, experiments: Collection[str]) -> set[Attempt]:
    rows = tx.execute(
        select(TrialRow.experiment_id, TrialRow.number, TrialRow.attempt).where(
            TrialRow.experiment_id.in_(experiments), TrialRow.state.in_(HELD)
        )
    )
    return {(experiment_id, number, attempt) for experiment_id, number, attempt in rows}
