"""Stored files in an object store, or wherever else fsspec reaches; read through a local cache.

Object stores put a file whole or not at all, so no temporary names are needed there. A folder is
whole once its row names it: rows are written after the last file.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import fsspec
from uuid6 import uuid7

from models.errors import ArtifactMissing
from store.artifacts import (
    STORE,
    Artifacts,
    LocalArtifacts,
    Stored,
    checked,
    is_key,
    remove,
    sha256_of,
    translated,
    verified,
)


def open_artifacts(url: str, cache: Path) -> Artifacts:
    """The artifact store at a path, a file:// URL, or any other URL that fsspec knows.

    The cache is a folder of this machine for what had to be fetched; a local store needs none.
    """
    if "://" not in url or url.startswith("file://"):
        return LocalArtifacts(Path(url.removeprefix("file://")))
    return RemoteArtifacts(url, cache)


class RemoteArtifacts:
    """Files under a URL such as s3://bucket/prefix."""

    def __init__(self, url: str, cache: Path) -> None:
        self._files, self._root = fsspec.core.url_to_fs(url)
        self._cache = LocalArtifacts(cache / "whole")
        self._fetched = cache / "fetched"

    def put(self, key: str, path: Path) -> Stored:
        """As `Artifacts.put`."""
        place = self._place(key)
        with translated(STORE, Exception):
            stored = Stored(key, sha256_of(path), path.stat().st_size)
            self._files.put_file(str(path), place)
        self._cache.delete(key)
        return stored

    def put_folder(self, key: str, folder: Path) -> None:
        """As `Artifacts.put_folder`; the folder stays where it is."""
        place = self._place(key)
        with translated(STORE, Exception):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    name = path.relative_to(folder).as_posix()
                    self._files.put_file(str(path), f"{place}/{name}")

    def local(self, key: str, sha256: str | None = None) -> Path:
        """As `Artifacts.local`: fetched into the cache at first, and again when it is damaged."""
        place = self._place(key)
        try:
            return self._cache.local(key, sha256)
        except ArtifactMissing:
            self._cache.delete(key)
        fetched = self._fetched / uuid7().hex
        try:
            with translated(STORE, Exception):
                self._fetch(place, fetched)
            if fetched.is_dir():
                self._cache.put_folder(key, fetched)
            elif fetched.exists():
                self._cache.put(key, verified(fetched, key, sha256))
        finally:
            remove(fetched)
        return self._cache.local(key, sha256)

    def delete(self, key: str) -> None:
        """As `Artifacts.delete`."""
        place = self._place(key)
        with translated(STORE, Exception):
            if self._files.exists(place):
                self._files.rm(place, recursive=True)
        self._cache.delete(key)

    def keys(self, prefix: str) -> Iterator[str]:
        """As `Artifacts.keys`."""
        place = self._place(prefix)
        with translated(STORE, Exception):
            found = self._files.find(place) if self._files.exists(place) else []
        yield from filter(is_key, (path.removeprefix(f"{self._root}/") for path in found))

    def age(self, key: str) -> float:
        """As `Artifacts.age`: a file is written to learn the time at the other end."""
        place, probe = self._place(key), self._place(f"probe-{uuid7().hex}")
        with translated(STORE, Exception):
            if not self._files.exists(place):
                raise ArtifactMissing(f"{key} is not in the artifact store.")
            self._files.pipe_file(probe, b"now")
            try:
                age: timedelta = self._files.modified(probe) - self._files.modified(place)
            finally:
                self._files.rm_file(probe)
        return age.total_seconds()

    def tidy(self, seconds: float) -> None:
        """As `Artifacts.tidy`: of the cache alone, the other end puts files whole or not at all."""
        self._cache.tidy(seconds)
        with translated("The cache of artifacts"):
            now = time.time()  # the cache is this machine's own
            for path in self._fetched.glob("*"):
                with suppress(FileNotFoundError):  # whoever fetched it was done just now
                    if now - path.lstat().st_ctime > seconds:
                        remove(path)

    def _place(self, key: str) -> str:
        return f"{self._root}/{checked(key)}"

    def _fetch(self, place: str, to: Path) -> None:
        for found in self._files.find(place):
            target = to if found == place else to / found.removeprefix(f"{place}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            self._files.get_file(found, str(target))
