"""Datasets: uploaded once, immutable, addressed by their content.

Equal content of one owner is one dataset. Built-in ones belong to the owner "builtin" and are
visible to all. Deleting hides the row; the files go after the commit, when no other row has them.
Lock order: a dataset before the experiments on it.
"""

import hashlib
from collections.abc import Collection, Mapping

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, and_, null, select, text, true, update
from sqlalchemy.orm import Session

from models.errors import (
    DatasetFailed,
    DatasetInUse,
    DatasetProcessing,
    IllegalMove,
    NotFound,
)
from models.ids import new_dataset_id
from models.lifecycle import DatasetState
from models.profile import DatasetProfile
from models.tables.datasets import DatasetRow, Source
from models.tables.experiments import ExperimentRow
from models.views.base import Page, Problem
from models.views.dataset import DatasetView
from store import cursors
from store.clock import now
from store.upsert import insert

BUILTIN_OWNER = "builtin"

_PROFILE: TypeAdapter[DatasetProfile] = TypeAdapter(DatasetProfile)

# The unique index of the table, word for word.
_ALIVE = text("deleted_at IS NULL AND state <> 'failed'")


def upload(
    tx: Session, *, owner: str, name: str, sha256: str, size: int, key: str
) -> tuple[DatasetView, bool]:
    """A dataset to be read from stored bytes; False with the one that has the same bytes already.

    With False the bytes under `key` are not needed; the caller deletes them.
    """
    values = {"source": Source.UPLOAD, "state": DatasetState.PROCESSING, "upload": key}
    return _create(tx, owner=owner, name=name, sha256=sha256, bytes=size, rung_at=now(), **values)


def inline(
    tx: Session,
    *,
    owner: str,
    name: str,
    sha256: str,
    size: int,
    profile: DatasetProfile,
    folder: str,
) -> tuple[DatasetView, bool]:
    """A dataset that is ready at once; False with the one that has the same content already."""
    values = {
        "source": Source.INLINE,
        "state": DatasetState.READY,
        "profile": profile.model_dump(mode="json"),
        "folder": folder,
        "finished_at": now(),
    }
    return _create(tx, owner=owner, name=name, sha256=sha256, bytes=size, **values)


def builtin(tx: Session, name: str) -> tuple[DatasetView, bool]:
    """The built-in dataset "builtin:…", for every owner.

    True when it has to be read first: at its first use, and again after it failed.
    """
    identity = hashlib.sha256(name.encode()).hexdigest()  # it has no bytes until it is fetched
    created = tx.scalar(
        insert(tx, DatasetRow.__table__)
        .values(
            id=name,
            owner=BUILTIN_OWNER,
            name=name,
            source=Source.BUILTIN,
            sha256=identity,
            bytes=0,
            state=DatasetState.PROCESSING,
            attempt=0,
            created_at=now(),
            rung_at=now(),
        )
        .on_conflict_do_nothing()  # by id or by content: of two at once either may be seen first
        .returning(DatasetRow.id)
    )
    again = tx.scalar(
        update(DatasetRow)
        .where(DatasetRow.id == name, DatasetRow.state == DatasetState.FAILED)
        .values(
            state=DatasetState.PROCESSING,
            attempt=DatasetRow.attempt + 1,
            error=null(),
            finished_at=null(),
            rung_at=now(),
        )
        .returning(DatasetRow.id)
    )
    view = get(tx, owner=BUILTIN_OWNER, dataset_id=name)
    return view, bool(created or again)


def get(tx: Session, *, owner: str, dataset_id: str) -> DatasetView:
    """One dataset.

    Raises:
        NotFound: there is none that this owner can see.
    """
    row = tx.scalar(select(DatasetRow).where(_visible(owner), DatasetRow.id == dataset_id))
    if row is None:
        raise NotFound(f"There is no dataset {dataset_id}.")
    return _view(row)


def states(tx: Session, ids: Collection[str]) -> Mapping[str, DatasetState]:
    """The states of many datasets at once, for those who wait; deleted ones are left out."""
    query = select(DatasetRow.id, DatasetRow.state)
    rows = tx.execute(query.where(DatasetRow.id.in_(ids), DatasetRow.deleted_at.is_(None)))
    return dict(rows.all())


def folder_of(tx: Session, *, owner: str, dataset_id: str) -> str:
    """Key of the folder of a dataset that is ready.

    Raises:
        NotFound: there is none that this owner can see.
        DatasetProcessing, DatasetFailed: there is no folder yet, or never.
    """
    row = tx.scalar(select(DatasetRow).where(_visible(owner), DatasetRow.id == dataset_id))
    if row is None:
        raise NotFound(f"There is no dataset {dataset_id}.")
    if row.state is DatasetState.FAILED:
        raise DatasetFailed
    if row.folder is None:
        raise DatasetProcessing
    return row.folder


def page(tx: Session, *, owner: str, cursor: str | None, limit: int) -> Page[DatasetView]:
    """The newest first, and the built-in ones that were used.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    before = DatasetRow.id < cursors.decode(cursor) if cursor else true()
    query = select(DatasetRow).where(_visible(owner), before).order_by(DatasetRow.id.desc())
    rows = tx.scalars(query.limit(limit + 1)).all()
    data = tuple(_view(row) for row in rows[:limit])
    more = len(rows) > limit
    return Page(data=data, has_more=more, next_cursor=cursors.encode(data[-1].id) if more else None)


def hold(tx: Session, *, owner: str, dataset_id: str) -> None:
    """Keep a dataset from being deleted until this transaction ends.

    Raises:
        NotFound: there is none that this owner can see.
        DatasetFailed: it could not be read.
    """
    state = tx.scalar(
        select(DatasetRow.state)
        .where(_visible(owner), DatasetRow.id == dataset_id)
        .with_for_update(read=True)
    )
    if state is None:
        raise NotFound(f"There is no dataset {dataset_id}.")
    if state is DatasetState.FAILED:
        raise DatasetFailed


def delete(tx: Session, *, owner: str, dataset_id: str) -> tuple[str, ...]:
    """Hide a dataset that no active experiment needs.

    Returns:
        The keys of its files that nobody else has, to be deleted after the commit.

    Raises:
        NotFound: there is none that this owner can see.
        IllegalMove: it is a built-in one.
        DatasetInUse: an experiment that is not over needs it.
    """
    row = tx.scalar(
        select(DatasetRow).where(_visible(owner), DatasetRow.id == dataset_id).with_for_update()
    )
    if row is None:
        raise NotFound(f"There is no dataset {dataset_id}.")
    if row.source is Source.BUILTIN:
        raise IllegalMove("A built-in dataset cannot be deleted.")
    user = select(ExperimentRow.id).where(
        ExperimentRow.dataset_id == dataset_id, ExperimentRow.finished_at.is_(None)
    )
    if tx.scalar(user.limit(1)) is not None:
        raise DatasetInUse
    tx.execute(update(DatasetRow).where(DatasetRow.id == dataset_id).values(deleted_at=now()))
    shared = select(DatasetRow.id).where(
        DatasetRow.sha256 == row.sha256, DatasetRow.deleted_at.is_(None)
    )
    folder = row.folder if tx.scalar(shared.limit(1)) is None else None
    return tuple(key for key in (row.upload, folder) if key is not None)


def _create(tx: Session, *, owner: str, sha256: str, **values: object) -> tuple[DatasetView, bool]:
    """Insert a row, unless the owner has this content already."""
    fixed = {"id": new_dataset_id(), "owner": owner, "sha256": sha256, "attempt": 0}
    created = tx.scalar(
        insert(tx, DatasetRow.__table__)
        .values(**fixed, **values, created_at=now())
        .on_conflict_do_nothing(index_elements=["owner", "sha256"], index_where=_ALIVE)
        .returning(DatasetRow.id)
    )
    same = and_(DatasetRow.owner == owner, DatasetRow.sha256 == sha256, _ALIVE)
    row = tx.scalars(select(DatasetRow).where(same)).one()
    return _view(row), created is not None


def _visible(owner: str) -> ColumnElement[bool]:
    return and_(DatasetRow.owner.in_((owner, BUILTIN_OWNER)), DatasetRow.deleted_at.is_(None))


def _view(row: DatasetRow) -> DatasetView:
    return DatasetView(
        id=row.id,
        name=row.name,
        source=row.source,
        sha256=row.sha256,
        bytes=row.bytes,
        state=row.state,
        profile=_PROFILE.validate_python(row.profile) if row.profile else None,
        error=Problem.model_validate(row.error) if row.error else None,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
