"""The stored files: networks, checkpoints, datasets. Whole or not there, whatever happens.

A small Protocol with two shelves behind it: a local folder, where durability is ours to see to, and
anything that fsspec reaches. Which rows name which files is not this module's business.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from uuid6 import uuid7

from models.errors import ArtifactMissing, StorageFull

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored file."""

    key: str
    sha256: str
    bytes: int


class Artifacts(Protocol):
    """Where files are kept, under keys such as "datasets/<sha256>/1".

    A key names its content or the attempt that wrote it, so what is under it stays the same.
    """

    def put(self, key: str, path: Path) -> Stored:
        """Store a copy of a file, durably, over what was there.

        Raises:
            StorageFull: there is no room; nothing has changed then.
        """
        ...

    def put_folder(self, key: str, folder: Path) -> None:
        """Store a folder of files. The folder may be moved, so it is not to be used afterwards.

        What is stored there already stays: such keys name their content.

        Raises:
            StorageFull: there is no room; nothing has changed then.
        """
        ...

    def local(self, key: str, sha256: str | None = None) -> Path:
        """A local path to read the file or folder from; it must not be written to.

        With a hash, the file is read through and compared first.

        Raises:
            ArtifactMissing: it is not there, or is not what it was.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove a file or folder; nothing happens when it is not there."""
        ...


def checked(key: str) -> str:
    """A key that cannot lead out of the root.

    Raises:
        ValueError: it could.
    """
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a key")
    return key


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(path: Path, key: str, sha256: str | None) -> Path:
    """The path, when there is something that has this hash.

    Raises:
        ArtifactMissing: it is not there, or is not what it was.
    """
    if not path.exists():
        raise ArtifactMissing(f"{key} is not in the artifact store.")
    if sha256 is not None and sha256_of(path) != sha256:
        raise ArtifactMissing(f"{key} has changed since it was stored.")
    return path


class LocalArtifacts:
    """Files in a folder of this machine, or of a volume that all machines share."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def put(self, key: str, path: Path) -> Stored:
        """As `Artifacts.put`: a temporary name, fsync, rename, fsync of the folders above."""
        with room(), self._aside(key) as temporary:
            shutil.copyfile(path, temporary)
            _sync(temporary)
            stored = Stored(key, sha256_of(temporary), temporary.stat().st_size)
            temporary.replace(self._path(key))
        self._sync_above(key)
        return stored

    def put_folder(self, key: str, folder: Path) -> None:
        """As `Artifacts.put_folder`: moved when on the same file system, else copied."""
        if self._path(key).exists():
            return
        with room(), self._aside(key) as temporary:
            try:
                folder.rename(temporary)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                shutil.copytree(folder, temporary)
            for path in (*temporary.rglob("*"), temporary):
                _sync(path)
            try:
                temporary.rename(self._path(key))
            except OSError:
                if not self._path(key).exists():  # else another was quicker, with the same content
                    raise
        self._sync_above(key)

    def local(self, key: str, sha256: str | None = None) -> Path:
        """As `Artifacts.local`: the stored file itself."""
        return verified(self._path(key), key, sha256)

    def delete(self, key: str) -> None:
        """As `Artifacts.delete`."""
        remove(self._path(key))

    def _path(self, key: str) -> Path:
        return self._root / checked(key)

    def _sync_above(self, key: str) -> None:
        """A file is there after a power cut only if every folder above it is."""
        for folder in self._path(key).parents:
            _sync(folder)
            if folder == self._root:
                return

    @contextmanager
    def _aside(self, key: str) -> Iterator[Path]:
        """A name beside the final one, so that a rename suffices; gone afterwards in any case."""
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{uuid7().hex}.part")
        try:
            yield temporary
        finally:
            remove(temporary)


@contextmanager
def room() -> Iterator[None]:
    """Say plainly that the disk is full.

    Raises:
        StorageFull: it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        raise


def remove(path: Path) -> None:
    """Remove a file or a folder that may or may not be there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
