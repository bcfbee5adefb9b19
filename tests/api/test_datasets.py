"""Uploads: what is no dataset is refused at once, what is one is kept once."""

import io
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from models.errors import StorageFull, Unavailable
from store import ingest
from store.artifacts import LocalArtifacts, Stored
from store.database import Database
from store.formats import read
from tests.api.bodies import inline, on_digits
from tests.api.serving import Served, serving
from tests.servers.disk import fill, small_disk

GOOD = b"age,fare,survived\n" + b"".join(b"%d,%d.5,%d\n" % (n % 70, n, n % 2) for n in range(200))


def npz(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    return file.getvalue()


REFUSED: dict[str, tuple[bytes, int, str, str]] = {
    "of 0 bytes": (b"", 422, "unreadable_dataset", "0 bytes"),
    "of binary junk": (bytes(range(256)) * 50, 415, "unknown_format", "neither text"),
    "that is an image": (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, 415, "unknown_format", "PNG"),
    "that is a zip of texts": (zipped("a.txt"), 415, "unknown_format", "without NumPy arrays"),
    "that is a damaged zip": (npz(x=[1], y=[1])[:-40], 422, "unreadable_dataset", "damaged"),
    "with one column": (b"a\n1\n2\n", 422, "unreadable_dataset", "one column"),
    "with ragged rows": (b"a,b\n1,2\n3\n", 422, "unreadable_dataset", "ine 3"),
    "with two equal headers": (b"a,b,a\n1,2,3\n4,5,6\n", 422, "unreadable_dataset", "'a'"),
    "with a header only": (b"a,b\n", 422, "unreadable_dataset", "header"),
    "of blanks": (b"\n\n \n", 422, "unreadable_dataset", ""),
}


@pytest.mark.parametrize(("content", "status", "code", "said"), REFUSED.values(), ids=REFUSED)
def test_an_upload(shared: Served, content: bytes, status: int, code: str, said: str) -> None:
    before = shared.stored_rows(), shared.stored_files()
    answer = shared.client.post("/datasets", files={"file": ("data.csv", content)})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert said in problem["detail"]
    assert (shared.stored_rows(), shared.stored_files()) == before


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "multipart/form-data", 400),
        (b"junk", "multipart/form-data; boundary=x", 400),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x", 400),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 422),
        (b"a,b\n1,2\n", "text/csv", 422),
        (b"{}", "application/json", 422),
        (b"file=abc", "application/x-www-form-urlencoded", 422),
    ],
)
def test_a_form_that_is_none_is_a_problem(
    shared: Served, body: bytes, content_type: str, status: int
) -> None:
    answer = shared.client.post("/datasets", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    if status != 400:
        issue = answer.json()["errors"][0]
        assert issue["pointer"] == "/file"
        assert "multipart/form-data" in issue["message"]


@pytest.mark.parametrize("name", ["", "x" * 201, "a\x00b", "a\nb"])
def test_a_name_that_cannot_be_shown_is_refused(shared: Served, name: str) -> None:
    answer = shared.client.post("/datasets", files={"file": ("a.csv", GOOD)}, data={"name": name})
    # A name left empty is one left out.
    assert answer.status_code == (422 if name else 202)


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("titanic.csv", "titanic.csv"),
        ("C:\\data\\titanic.csv", "titanic.csv"),
        ("../../etc/passwd", "passwd"),
        ("x" * 500, "x" * 200),
        ("caf\xe9 \U0001f600.csv", "caf\xe9 \U0001f600.csv"),
    ],
)
def test_a_dataset_is_called_as_its_file(served: Served, filename: str, name: str) -> None:
    answer = served.client.post("/datasets", files={"file": (filename, GOOD)})
    assert answer.status_code == 202
    assert answer.json()["name"] == name


def test_an_upload_is_processing_and_the_same_again_is_the_same(served: Served) -> None:
    first = served.client.post("/datasets", files={"file": ("a.csv", GOOD)}, data={"name": "mine"})
    files = served.stored_files()
    again = served.client.post("/datasets", files={"file": ("b.csv", GOOD)})

    assert first.status_code == 202
    view = first.json()
    assert (view["state"], view["name"], view["bytes"]) == ("processing", "mine", len(GOOD))
    assert first.headers["Location"] == view["links"]["self"]
    assert (again.status_code, again.json()) == (200, view)
    assert served.stored_files() == files
    assert [path.read_bytes() for path in files] == [GOOD]
    rows = served.client.get(view["links"]["rows"])
    assert (rows.status_code, rows.json()["code"]) == (409, "dataset_processing")
    assert rows.headers["Retry-After"] == "1"


def read_in(served: Served, dataset_id: str, tmp_path: Path) -> None:
    """What a control worker does."""
    with served.database.transaction() as tx:
        claim = ingest.claim(tx, dataset_id, "control", 30)
    assert claim is not None
    assert claim.upload is not None
    folder = tmp_path / "ingested"
    folder.mkdir()
    profile = read.read(served.artifacts.local(claim.upload), claim.name, folder)
    served.artifacts.put_folder("datasets/x/1", folder)
    with served.database.transaction() as tx:
        ingest.ready(tx, claim, profile=profile, folder="datasets/x/1")


def test_a_dataset_that_is_ready_shows_its_profile_and_rows_and_can_be_trained_on(
    served: Served, tmp_path: Path
) -> None:
    dataset = served.client.post("/datasets", files={"file": ("a.csv", GOOD)}).json()["id"]
    read_in(served, dataset, tmp_path)

    view = served.client.get(f"/datasets/{dataset}?wait=20").json()
    assert view["state"] == "ready"
    assert view["profile"]["rows"] == 200
    rows = served.client.get(f"/datasets/{dataset}/rows?limit=1").json()
    assert rows == {
        "columns": ["age", "fare", "survived"],
        "rows": [[0, 0.5, 0]],
        "total": 200,
    }
    spec = on_digits(data={"dataset": dataset, "target": "survived"})
    assert served.client.post("/experiments", json=spec).status_code == 202


def test_rows_of_arrays_are_shown_as_x_and_y(served: Served, tmp_path: Path) -> None:
    x = np.array([[[0.5, 1], [2, float("nan")]]] * 30, dtype="float32")
    content = npz(x=np.nan_to_num(x), y=np.arange(30) % 3)
    dataset = served.client.post("/datasets", files={"file": ("a.npz", content)}).json()["id"]
    read_in(served, dataset, tmp_path)
    rows = served.client.get(f"/datasets/{dataset}/rows?limit=2").json()
    assert rows["columns"] == ["x", "y"]
    assert rows["rows"] == [[[[0.5, 1], [2, 0]], 0], [[[0.5, 1], [2, 0]], 1]]


def test_a_built_in_dataset_cannot_be_deleted(served: Served) -> None:
    served.client.post("/experiments", json=on_digits())
    answer = served.client.delete("/datasets/builtin:digits")
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move")


def test_lists_lead_on_by_cursor(served: Served) -> None:
    for n in range(3):
        rows = [[n, "a"], [1, "b"], [2, "a"], [3, "b"], [4, "a"], [5, "b"]]
        table = {"columns": ["x", "y"], "rows": rows}
        spec = inline(data={"inline": table, "target": "y"}, fit={"epochs": 1, "batch_size": 1})
        assert served.client.post("/experiments", json=spec).status_code == 202
    first = served.client.get("/datasets?limit=2").json()
    rest = served.client.get("/datasets", params={"cursor": first["next_cursor"]}).json()
    assert (len(first["data"]), len(rest["data"]), rest["has_more"]) == (2, 1, False)


class Full(LocalArtifacts):
    """A disk without room."""

    def put(self, key: str, path: Path) -> Stored:
        del key, path
        raise StorageFull


def test_an_upload_without_room_is_a_507_and_leaves_nothing(
    database: Database, tmp_path: Path
) -> None:
    with serving(database, tmp_path / "files", artifacts=Full(tmp_path / "files")) as served:
        answer = served.client.post("/datasets", files={"file": ("a.csv", GOOD)})
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
        assert served.stored_rows()["datasets"] == 0


@pytest.mark.parametrize("size", [0, 2_000_000], ids=["small", "spooled by the server"])
def test_an_upload_without_room_for_temporary_files_is_a_507(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk):
        fill(disk)
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        answer = served.client.post("/datasets", files={"file": ("a.csv", GOOD + b"#" * size)})
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")


class LostConfirmation(Database):
    """Commits, but who asked for it is not told."""

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as tx:
            yield tx
        raise Unavailable("The confirmation of the commit was lost.")


def test_an_upload_whose_row_may_be_there_keeps_its_file(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    files = {"file": ("a.csv", GOOD)}
    losing = LostConfirmation(database_url)
    with serving(losing, tmp_path / "files") as served:
        assert served.client.post("/datasets", files=files).status_code == 503
        (kept,) = served.stored_files()
    losing.dispose()
    with serving(database, tmp_path / "files") as served:
        assert served.client.post("/datasets", files=files).status_code == 200
        assert served.stored_files() == {kept}


@pytest.fixture(autouse=True)
def _nothing_is_left_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield
    assert list(scratch.iterdir()) == []
