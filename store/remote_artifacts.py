"""Stored files in an object store, or wherever else fsspec reaches; read through a local cache.

Object stores put a file whole or not at all, so no temporary names are needed there. A folder is
whole once its row names it: rows are written after the last file.
"""

from pathlib import Path

import fsspec
from uuid6 import uuid7

from models.errors import ArtifactMissing
from store.artifacts import (
    Artifacts,
    LocalArtifacts,
    Stored,
    checked,
    remove,
    room,
    sha256_of,
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
        stored = Stored(key, sha256_of(path), path.stat().st_size)
        with room():
            self._files.put_file(str(path), self._place(key))
        self._cache.delete(key)
        return stored

    def put_folder(self, key: str, folder: Path) -> None:
        """As `Artifacts.put_folder`; the folder stays where it is."""
        with room():
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    name = path.relative_to(folder).as_posix()
                    self._files.put_file(str(path), f"{self._place(key)}/{name}")

    def local(self, key: str, sha256: str | None = None) -> Path:
        """As `Artifacts.local`: fetched into the cache at first, and again when it is damaged."""
        try:
            return self._cache.local(key, sha256)
        except ArtifactMissing:
            self._cache.delete(key)
        fetched = self._fetched / uuid7().hex
        try:
            with room():
                self._fetch(self._place(key), fetched)
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
        if self._files.exists(place):
            self._files.rm(place, recursive=True)
        self._cache.delete(key)

    def _place(self, key: str) -> str:
        return f"{self._root}/{checked(key)}"

    def _fetch(self, place: str, to: Path) -> None:
        for found in self._files.find(place):
            target = to if found == place else to / found.removeprefix(f"{place}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            self._files.get_file(found, str(target))
