"""Stored files are whole or not there: one suite for every kind of shelf."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from uuid6 import uuid7

from models.errors import ArtifactMissing, ArtifactsUnavailable, StorageFull
from store import artifacts as shelves
from store import keys
from store.artifacts import Artifacts, LocalArtifacts
from store.remote_artifacts import RemoteArtifacts, open_artifacts

CONTENT = b"weights" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    """Each kind in turn: a folder, and fsspec's file system in memory."""
    if request.param == "local":
        return open_artifacts(str(tmp_path / "files"), tmp_path / "cache")
    return open_artifacts(f"memory://bucket-{uuid7().hex}", tmp_path / "cache")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "network.keras"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "ready"
    (path / "inner").mkdir(parents=True)
    (path / "x.npy").write_bytes(b"x")
    (path / "inner" / "profile.json").write_bytes(b"{}")
    return path


def test_a_file_comes_back_as_it_was(store: Artifacts, file: Path) -> None:
    stored = store.put("experiments/exp_1/1/1/network.keras", file)
    assert (stored.sha256, stored.bytes) == (SHA, len(CONTENT))
    assert store.local(stored.key, SHA).read_bytes() == CONTENT
    assert file.exists()


def test_a_folder_comes_back_with_all_its_files(store: Artifacts, folder: Path) -> None:
    store.put_folder("datasets/abc/1", folder)
    for _ in range(2):
        found = store.local("datasets/abc/1")
        assert (found / "x.npy").read_bytes() == b"x"
        assert (found / "inner" / "profile.json").read_bytes() == b"{}"


def test_a_folder_that_is_stored_already_stays(
    store: Artifacts, folder: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(folder, twin)
    store.put_folder("datasets/abc/1", folder)
    store.put_folder("datasets/abc/1", twin)
    assert (store.local("datasets/abc/1") / "x.npy").read_bytes() == b"x"


def test_what_is_not_there_is_missing(store: Artifacts) -> None:
    with pytest.raises(ArtifactMissing):
        store.local("datasets/none/1")


def test_a_file_that_has_changed_is_missing(store: Artifacts, file: Path) -> None:
    store.put("a/b", file)
    with pytest.raises(ArtifactMissing, match="changed"):
        store.local("a/b", "0" * 64)


def test_what_was_deleted_is_gone_and_deleting_again_is_no_matter(
    store: Artifacts, file: Path, folder: Path
) -> None:
    store.put("a/file", file)
    store.put_folder("a/folder", folder)
    for key in ("a/file", "a/folder", "a/file", "never/there"):
        store.delete(key)
    for key in ("a/file", "a/folder"):
        with pytest.raises(ArtifactMissing):
            store.local(key)


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../x", "a/..", "a//b", "a/", ".", ".hidden", "a\\b", "a\0b"],
)
def test_no_key_leads_out_of_the_store(store: Artifacts, file: Path, key: str) -> None:
    verbs: tuple[Callable[[], object], ...] = (
        lambda: store.put(key, file),
        lambda: store.local(key),
        lambda: store.delete(key),
    )
    for verb in verbs:
        with pytest.raises(ValueError, match="not a key"):
            verb()


def test_the_keys_that_we_make_are_keys() -> None:
    for key in (
        keys.new_upload(),
        keys.dataset_folder("a" * 64, "1"),
        keys.network("exp_1", 1, 2),
    ):
        assert shelves.checked(key) == key


def test_a_damaged_copy_in_the_cache_is_fetched_again(tmp_path: Path, file: Path) -> None:
    store = RemoteArtifacts(f"memory://bucket-{uuid7().hex}", tmp_path / "cache")
    store.put("a/b", file)
    store.local("a/b", SHA).write_bytes(b"damaged")
    assert store.local("a/b", SHA).read_bytes() == CONTENT


class _FullDisk:
    """A copy that runs out of room halfway, as the operating system tells it."""

    def __call__(self, source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_the_old_file_whole_and_nothing_half_written(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalArtifacts(tmp_path / "files")
    store.put("a/b", file)
    monkeypatch.setattr("store.artifacts.shutil.copyfile", _FullDisk())
    file.write_bytes(b"newer")
    with pytest.raises(StorageFull):
        store.put("a/b", file)
    assert store.local("a/b", SHA).read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "files" / "a").iterdir()] == ["b"]


def test_the_keys_under_a_prefix_are_found(store: Artifacts, file: Path, folder: Path) -> None:
    assert list(store.keys("experiments")) == []
    for key in ("experiments/e/1/1/network.keras", "experiments/e/2/1/checkpoint-1.npz", "other/x"):
        store.put(key, file)
    store.put_folder("experiments/f", folder)
    assert sorted(store.keys("experiments")) == [
        "experiments/e/1/1/network.keras",
        "experiments/e/2/1/checkpoint-1.npz",
        "experiments/f/inner/profile.json",
        "experiments/f/x.npy",
    ]
    assert list(store.keys("experiments/e/2")) == ["experiments/e/2/1/checkpoint-1.npz"]


def test_what_is_under_a_name_that_is_no_key_is_none_of_ours(tmp_path: Path, file: Path) -> None:
    local, url = LocalArtifacts(tmp_path / "files"), f"memory://bucket-{uuid7().hex}"
    remote = RemoteArtifacts(url, tmp_path / "cache")
    for store in (local, remote):
        store.put("a/b", file)
    (tmp_path / "files" / "a" / ".nfs000012").write_bytes(b"x")
    fsspec.open(f"{url}/a/.nfs000012", "wb").open().close()
    for store in (local, remote):
        assert list(store.keys("a")) == ["a/b"]


def test_what_a_killed_reader_had_fetched_is_tidied_away(tmp_path: Path, file: Path) -> None:
    store = RemoteArtifacts(f"memory://bucket-{uuid7().hex}", tmp_path / "cache")
    store.put("a/b", file)
    store.local("a/b")
    left = tmp_path / "cache" / "fetched" / "half"
    left.mkdir()
    (left / "x.npy").write_bytes(b"half")
    store.tidy(3600)
    assert left.exists()
    store.tidy(-1)
    assert not left.exists()
    assert store.local("a/b").read_bytes() == CONTENT


def test_a_file_has_an_age_by_the_clock_of_the_store(store: Artifacts, file: Path) -> None:
    os.utime(file, (0, 0))  # of the file it was copied from, nothing counts
    store.put("a/b", file)
    assert 0 <= store.age("a/b") < 60
    with pytest.raises(ArtifactMissing):
        store.age("a/c")
    assert list(store.keys("a")) == ["a/b"]


def test_what_a_killed_writer_left_behind_is_tidied_away_and_nothing_else(
    tmp_path: Path, file: Path
) -> None:
    store = LocalArtifacts(tmp_path / "files")
    store.put("a/b", file)
    (tmp_path / "files" / "a" / ".1.part").write_bytes(b"half")
    (tmp_path / "files" / "a" / ".2.part").mkdir()
    (tmp_path / "files" / "a" / ".2.part" / "x.npy").write_bytes(b"half")
    store.tidy(3600)
    assert len(list((tmp_path / "files" / "a").iterdir())) == 3
    store.tidy(-1)
    assert [path.name for path in (tmp_path / "files" / "a").iterdir()] == ["b"]


def test_a_store_that_does_not_work_is_unavailable(tmp_path: Path, file: Path) -> None:
    (tmp_path / "files").write_bytes(b"no folder")
    store = LocalArtifacts(tmp_path / "files")
    with pytest.raises(ArtifactsUnavailable, match="Not a directory"):
        store.put("a/b", file)


def test_whatever_an_object_store_raises_is_unavailable(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RemoteArtifacts(f"memory://bucket-{uuid7().hex}", tmp_path / "cache")
    monkeypatch.setattr(store, "_files", None)  # every call fails, with no error of a file
    for verb in (
        lambda: store.put("a/b", file),
        lambda: store.local("a/b"),
        lambda: store.delete("a/b"),
        lambda: list(store.keys("a")),
        lambda: store.age("a/b"),
    ):
        with pytest.raises(ArtifactsUnavailable):
            verb()
