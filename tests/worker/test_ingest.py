"""Reading a dataset: a store that is away or full for a while costs nobody a dataset."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import ArtifactsUnavailable, StorageFull
from models.lifecycle import DatasetState
from store import datasets, ingest
from store.artifacts import LocalArtifacts
from tests.servers.disk import fill
from tests.worker.scripted import one_database
from tests.worker.site import OWNER, Site
from worker.ingest import Ingest
from worker.timing import Timing

TABLE = b"a,b,label\n" + b"".join(b"%d,%d,%d\n" % (i, 2 * i, i % 2) for i in range(50))
UPLOAD = "uploads/one"
AWAY = ArtifactsUnavailable("The artifact store does not work: Stale file handle.")


class Shaky(LocalArtifacts):
    """A shelf on which folders, and what is to be deleted, meet with trouble at first."""

    def __init__(
        self, root: Path, *, folders: Iterator[Exception], deletes: Iterator[Exception]
    ) -> None:
        super().__init__(root)
        self._folders = folders
        self._deletes = deletes

    def put_folder(self, key: str, folder: Path) -> None:
        for trouble in self._folders:
            raise trouble
        super().put_folder(key, folder)

    def delete(self, key: str) -> None:
        for trouble in self._deletes:
            raise trouble
        super().delete(key)


def for_ever(trouble: Exception) -> Iterator[Exception]:
    while True:
        yield trouble


def upload(here: Site, tmp_path: Path) -> str:
    """A dataset that waits for its reader."""
    path = tmp_path / "table.csv"
    path.write_bytes(TABLE)
    here.artifacts.put(UPLOAD, path)
    with here.database.transaction() as tx:
        view, _ = datasets.upload(
            tx, owner=OWNER, name="table.csv", sha256="1" * 64, size=len(TABLE), key=UPLOAD
        )
    return view.id


def read(
    here: Site,
    tmp_path: Path,
    dataset_id: str,
    artifacts: LocalArtifacts,
    *,
    patience: float = 5.0,
    scratch: Path | None = None,
    drain: threading.Event | None = None,
) -> None:
    Ingest(
        database=here.database,
        artifacts=artifacts,
        worker="test",
        drain=drain or threading.Event(),
        timing=Timing(artifacts=patience),
        scratch=scratch or tmp_path,
    ).run(dataset_id)


@one_database
@pytest.mark.parametrize("trouble", [AWAY, StorageFull()], ids=["away", "full"])
def test_a_dataset_is_ready_although_the_store_had_a_hiccup(
    here: Site, tmp_path: Path, trouble: Exception
) -> None:
    dataset_id = upload(here, tmp_path)
    shaky = Shaky(tmp_path, folders=iter([trouble]), deletes=iter(()))
    read(here, tmp_path, dataset_id, shaky)
    assert here.dataset(dataset_id).state is DatasetState.READY


@one_database
def test_a_dataset_whose_store_stays_away_is_given_back_and_read_later(
    here: Site, tmp_path: Path
) -> None:
    dataset_id = upload(here, tmp_path)
    read(
        here,
        tmp_path,
        dataset_id,
        Shaky(tmp_path, folders=for_ever(AWAY), deletes=iter(())),
        patience=0.0,
    )
    assert here.dataset(dataset_id).state is DatasetState.PROCESSING
    with here.database.transaction() as tx:
        assert ingest.unread(tx, silent_seconds=-1.0) == (dataset_id,)
    read(here, tmp_path, dataset_id, here.artifacts)
    assert here.dataset(dataset_id).state is DatasetState.READY


@one_database
def test_a_store_that_stays_full_fails_the_dataset_as_disk_full(here: Site, tmp_path: Path) -> None:
    dataset_id = upload(here, tmp_path)
    full = Shaky(tmp_path, folders=for_ever(StorageFull()), deletes=iter(()))
    read(here, tmp_path, dataset_id, full, patience=0.0)
    view = here.dataset(dataset_id)
    assert view.state is DatasetState.FAILED
    assert view.error is not None
    assert (view.error.code, view.error.detail) == (
        "disk_full",
        "There is no room left to store this.",
    )


@one_database
def test_a_full_disk_where_datasets_are_read_says_so(
    here: Site, tmp_path: Path, disk: Path
) -> None:
    dataset_id = upload(here, tmp_path)
    fill(disk)
    read(here, tmp_path, dataset_id, here.artifacts, patience=0.0, scratch=disk)
    error = here.dataset(dataset_id).error
    assert error is not None
    assert (error.code, error.detail) == (
        "disk_full",
        "There is no room left where datasets are read.",
    )


@one_database
def test_a_worker_that_is_to_end_waits_for_no_store(here: Site, tmp_path: Path) -> None:
    dataset_id = upload(here, tmp_path)
    drain = threading.Event()
    drain.set()
    away = Shaky(tmp_path, folders=for_ever(AWAY), deletes=iter(()))
    read(here, tmp_path, dataset_id, away, patience=1000.0, drain=drain)
    with here.database.transaction() as tx:
        assert ingest.unread(tx, silent_seconds=-1.0) == (dataset_id,)


@one_database
def test_an_upload_that_cannot_be_deleted_keeps_no_dataset_from_being_ready(
    here: Site, tmp_path: Path
) -> None:
    dataset_id = upload(here, tmp_path)
    shaky = Shaky(tmp_path, folders=iter(()), deletes=for_ever(AWAY))
    read(here, tmp_path, dataset_id, shaky)
    assert here.dataset(dataset_id).state is DatasetState.READY
