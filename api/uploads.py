"""What POST /datasets does: look at the bytes, keep them, and wake a worker to read them."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

from api.late import Late
from api.parts import Parts
from models.errors import ArtifactsUnavailable, Unavailable, Unreadable
from models.views.dataset import DatasetView
from store import datasets, keys
from store.artifacts import translated
from store.doorbell import Task
from store.formats.detect import detect

if TYPE_CHECKING:
    from store.formats import csv
else:
    csv = Late("store.formats.csv")

# Up to this size a table is read while its sender waits, so that what is wrong with it is the
# answer to the upload. It takes about a tenth of a second.
READ_AT_ONCE_BYTES = 1024 * 1024

CHUNK_BYTES = 1024 * 1024
MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class _Received:
    path: Path
    sha256: str
    size: int


def upload(
    parts: Parts, *, owner: str, name: str | None, filename: str | None, file: BinaryIO
) -> tuple[DatasetView, bool]:
    """Store an upload, to be read by a control worker; False with the dataset it already is.

    Raises:
        UnknownFormat: it is nothing that is read here.
        Unreadable: it is empty, or small enough to have been read and found wrong.
        StorageFull: there is no room for it.
        ArtifactsUnavailable: it cannot be kept at the moment.
        Unavailable: the database is away; the upload may have been taken nevertheless.
    """
    filename = _plain(filename)
    with _received(file) as received:
        _check(received, filename)
        key = keys.new_upload()
        parts.artifacts.put(key, received.path)
    try:
        with parts.database.transaction() as tx:
            view, is_new = datasets.upload(
                tx,
                owner=owner,
                name=name or filename,
                sha256=received.sha256,
                size=received.size,
                key=key,
            )
    except Unavailable:
        # The row may be there, only its confirmation lost. A file that no row names is collected.
        raise
    except BaseException:
        _delete(parts, key)
        raise
    if is_new:
        parts.doorbell.ring_control(Task.INGEST, view.id)
    else:
        _delete(parts, key)
    return view, is_new


def _delete(parts: Parts, key: str) -> None:
    with suppress(ArtifactsUnavailable):  # it is collected later
        parts.artifacts.delete(key)


@contextmanager
def _received(file: BinaryIO) -> Iterator[_Received]:
    """The bytes under a name of their own; what the server spooled has none."""
    with ExitStack() as ending:
        with translated("The folder for temporary files"):
            folder = ending.enter_context(TemporaryDirectory(prefix="epochd-upload-"))
            received = _copied(file, Path(folder) / "upload")
        yield received


def _copied(file: BinaryIO, path: Path) -> _Received:
    hashed = hashlib.sha256()
    with path.open("wb") as copy:
        while chunk := file.read(CHUNK_BYTES):
            hashed.update(chunk)
            copy.write(chunk)
    return _Received(path, hashed.hexdigest(), path.stat().st_size)


def _check(received: _Received, filename: str) -> None:
    if received.size == 0:
        raise Unreadable(f"{filename!r} is empty: it has 0 bytes.")
    is_table = detect(received.path, filename) == "csv"
    if is_table and received.size <= READ_AT_ONCE_BYTES:
        csv.read_csv(received.path)


def _plain(filename: str | None) -> str:
    """The last part of what the client calls its file, as something to store and to show."""
    last = PurePosixPath((filename or "").replace("\\", "/")).name
    shown = "".join(character for character in last if character.isprintable())
    return shown[:MAX_NAME] or "upload"
