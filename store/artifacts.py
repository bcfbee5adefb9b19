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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from uuid6 import uuid7

from models.errors import ArtifactMissing, ArtifactsUnavailable, EpochdError, StorageFull

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_FULL = {errno.ENOSPC, errno.EDQUOT}
# What fails, as a client is told.
STORE = "The artifact store"
# The end of a name that is not final yet.
_PART = ".part"


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
            ArtifactsUnavailable: it could not be stored for another reason.
        """
        ...

    def put_folder(self, key: str, folder: Path) -> None:
        """Store a folder of files. The folder may be moved, so it is not to be used afterwards.

        What is stored there already stays: such keys name their content.

        Raises:
            StorageFull: there is no room; nothing has changed then.
            ArtifactsUnavailable: it could not be stored for another reason.
        """
        ...

    def local(self, key: str, sha256: str | None = None) -> Path:
        """A local path to read the file or folder from; it must not be written to.

        With a hash, the file is read through and compared first.

        Raises:
            ArtifactMissing: it is not there, or is not what it was.
            StorageFull: there is no room for a local copy.
            ArtifactsUnavailable: it cannot be read at the moment.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove a file or folder; nothing happens when it is not there.

        Raises:
            ArtifactsUnavailable: it could not be removed.
        """
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys of all files under a prefix, which ends where a part of a key does.

        Files whose names are no keys are left out, such as the ".nfs…" of a network's file system.

        Raises:
            ArtifactsUnavailable: they cannot be listed at the moment.
        """
        ...

    def age(self, key: str) -> float:
        """Seconds since a file was stored, by the store's own clock: hosts may disagree.

        Raises:
            ArtifactMissing: it is not there.
            ArtifactsUnavailable: the store does not say.
        """
        ...

    def tidy(self, seconds: float) -> None:
        """Remove what stores that never came to their end left behind so long ago, if anything.

        Raises:
            ArtifactsUnavailable: that cannot be done at the moment.
        """
        ...


def is_key(name: str) -> bool:
    """Whether something may be stored under this name."""
    return _KEY.fullmatch(name) is not None


def checked(key: str) -> str:
    """A key that cannot lead out of the root.

    Raises:
        ValueError: it could.
    """
    if not is_key(key):
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
    with translated(STORE):
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
        with translated(STORE), self._aside(key) as temporary:
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
        with translated(STORE), self._aside(key) as temporary:
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
        with translated(STORE):
            remove(self._path(key))

    def keys(self, prefix: str) -> Iterator[str]:
        """As `Artifacts.keys`; what is only being written has a name that is no key."""
        for path in self._files(self._path(prefix)):
            if is_key(key := path.relative_to(self._root).as_posix()):
                yield key

    def age(self, key: str) -> float:
        """As `Artifacts.age`: since it got its name, which sets the time of the last change."""
        path = verified(self._path(key), key, None)
        with translated(STORE):
            return self._now() - path.stat().st_ctime

    def tidy(self, seconds: float) -> None:
        """As `Artifacts.tidy`: temporary names, whose writers were killed."""
        with translated(STORE):
            now = self._now()
            for folder, folders, files in os.walk(self._root):
                for name in (*folders, *files):
                    path = Path(folder, name)
                    with suppress(FileNotFoundError):  # whoever wrote it was done just now
                        if name.endswith(_PART) and now - path.lstat().st_ctime > seconds:
                            remove(path)

    def _files(self, folder: Path) -> Iterator[Path]:
        with translated(STORE):
            for inner, _, names in os.walk(folder):
                yield from (Path(inner, name) for name in names)

    def _now(self) -> float:
        """The time of the file system, which may be another machine's."""
        self._root.mkdir(parents=True, exist_ok=True)
        probe = self._root / _temporary_name()
        try:
            probe.touch()
            return probe.stat().st_ctime
        finally:
            remove(probe)

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
        temporary = target.with_name(_temporary_name())
        try:
            yield temporary
        finally:
            remove(temporary)


@contextmanager
def translated(subject: str, *troubles: type[Exception]) -> Iterator[None]:
    """Say in our own words what a place for files cannot do, `troubles` being its words.

    Args:
        subject: the place, as a sentence begins with it.
        troubles: errors beside those of the operating system.

    Raises:
        StorageFull: the disk is full.
        ArtifactsUnavailable: any other error of the operating system, or one of `troubles`.
    """
    try:
        yield
    except EpochdError:
        raise
    except Exception as error:
        if not isinstance(error, (OSError, *troubles)):
            raise
        if is_full(error):
            raise StorageFull from error
        why = getattr(error, "strerror", None) or type(error).__name__
        raise ArtifactsUnavailable(f"{subject} does not work: {why}.") from error


def is_full(error: Exception) -> bool:
    """Whether it says that a disk is full, or all that its owner may take of it.

    Polars writes with Rust's library, whose errors carry the number in their text alone.
    """
    if getattr(error, "errno", None) in _FULL:
        return True
    return isinstance(error, OSError) and any(f"(os error {code})" in str(error) for code in _FULL)


def remove(path: Path) -> None:
    """Remove a file or a folder that may or may not be there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _temporary_name() -> str:
    return f".{uuid7().hex}{_PART}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
