"""A checkpoint is read whole or refused, and a refused one has changed nothing."""

import json
import os
import resource
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.servers.disk import failing_disk
from tests.trainer.zoo import Animal, Training, ready
from worker.messages import CheckpointFile, Checkpointing
from worker.trainer import checkpoint
from worker.trainer.checkpoint import Progress, UnreadCheckpoint, UnusableCheckpoint
from worker.trainer.checkpointing import MAX_SHARE, Pace, resume
from worker.trainer.loop import Position

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PLAIN = Animal(
    name="plain",
    layers=[{"layer": "Dense", "units": 4}],
    optimizer={"optimizer": "SGD", "momentum": 0.9},
    fit={"epochs": 2, "early_stopping": {"restore_best_weights": True}},
)
PROGRESS = Progress(position=Position(epoch=2), initial_loss=float("nan"), losses=(0.1, np.inf))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a plain training."""
    path = tmp_path_factory.mktemp("checkpoints") / "2.npz"
    training = ready(PLAIN)
    training.loop.run()
    checkpoint.write(path, training.network, training.callbacks, PROGRESS)
    return path


@pytest.fixture
def bad_disk(tmp_path: Path) -> Iterator[Path]:
    """A file that is there, and that cannot be read."""
    with failing_disk(tmp_path / "medium") as path:
        yield path


@pytest.fixture(scope="module")
def fresh() -> Training:
    """A plain training that has not begun."""
    return ready(PLAIN)


def _values(training: Training) -> list[Any]:
    variables = [*training.network.variables, *training.network.optimizer.variables]
    return [variable.numpy() for variable in variables]


def _same(some: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(one, two) for one, two in zip(some, other, strict=True))


def _load(path: Path, training: Training) -> Progress:
    return checkpoint.load(path, training.network, training.callbacks).progress


def _assert_refused(path: Path, training: Training, why: str | None = None) -> None:
    before = _values(training)
    with pytest.raises(UnusableCheckpoint, match=why):
        _load(path, training)
    assert _same(_values(training), before)


def _entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _rewritten(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def _array(values: Any) -> bytes:
    file = BytesIO()
    np.save(file, values)
    return file.getvalue()


def test_it_is_an_npz_without_pickles_whose_state_is_json(written: Path) -> None:
    with np.load(written, allow_pickle=False) as arrays:
        state = json.loads(arrays["state"].tobytes())
        assert state["format"] == 2
        assert state["epoch"] == 2
        paths = [variable["path"] for variable in state["variables"]]
        for number, path in enumerate(paths):
            assert list(arrays[f"variable{number}"].shape) == state["variables"][number]["shape"]
            assert path


def test_numbers_that_are_not_finite_survive(written: Path) -> None:
    progress = _load(written, ready(PLAIN))

    assert np.isnan(progress.initial_loss)
    assert replace(progress, initial_loss=0.0) == replace(PROGRESS, initial_loss=0.0)


def test_a_truncated_file_is_refused_at_whatever_length(
    written: Path, fresh: Training, tmp_path: Path
) -> None:
    whole = written.read_bytes()
    path = tmp_path / "2.npz"

    for length in {*range(0, len(whole), 61), *range(len(whole) - 100, len(whole))}:
        path.write_bytes(whole[:length])
        _assert_refused(path, fresh)


def test_a_flipped_bit_is_refused_or_does_not_matter(written: Path, tmp_path: Path) -> None:
    """What does not matter are the dates and the like in the headers of the zip."""
    training = ready(PLAIN)
    before = _values(training)
    _load(written, training)
    after = _values(training)
    whole = written.read_bytes()
    path = tmp_path / "2.npz"
    refused = 0

    for place in range(0, len(whole), 11):
        for variable, value in zip(
            [*training.network.variables, *training.network.optimizer.variables],
            before,
            strict=True,
        ):
            variable.assign(value)
        flipped = bytes([whole[place] ^ 0x10])
        path.write_bytes(whole[:place] + flipped + whole[place + 1 :])
        try:
            _load(path, training)
        except UnusableCheckpoint:
            refused += 1
            assert _same(_values(training), before), place
        else:
            assert _same(_values(training), after), place

    assert refused > 0.7 * len(whole) / 11


@pytest.mark.parametrize("missing", ["state", "variable0", "variable7", "best1"])
def test_a_file_without_one_of_its_arrays_is_refused(
    written: Path, fresh: Training, tmp_path: Path, missing: str
) -> None:
    entries = _entries(written)
    del entries[f"{missing}.npy"]

    _assert_refused(_rewritten(tmp_path / "2.npz", entries), fresh, missing)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("variable0", np.zeros((36, 5), "float32")),
        ("variable0", np.zeros((36, 4), "float64")),
        ("variable0", np.array([{"a": "pickle"}], dtype=object)),
        ("best1", np.zeros(5, "float32")),
        ("state", np.frombuffer(b"{}", dtype=np.uint8)),
        ("state", np.frombuffer(b'{"format": 2, "epo', dtype=np.uint8)),
    ],
    ids=["another shape", "another type", "a pickle", "another best", "no state", "half a state"],
)
def test_an_array_that_is_another_is_refused(
    written: Path, fresh: Training, tmp_path: Path, name: str, values: Any
) -> None:
    entries = _entries(written) | {f"{name}.npy": _array(values)}

    _assert_refused(_rewritten(tmp_path / "2.npz", entries), fresh)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 1},
        {"epoch": 3},
        {"ending": "cancelled"},
        {"best_weights": 1},
        {"early_stopping": None},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_state_that_is_not_ours_is_refused(
    written: Path, fresh: Training, tmp_path: Path, change: dict[str, Any]
) -> None:
    entries = _entries(written)
    with np.load(written) as arrays:
        state = json.loads(arrays["state"].tobytes()) | change
    entries["state.npy"] = _array(np.frombuffer(json.dumps(state).encode(), dtype=np.uint8))

    _assert_refused(_rewritten(tmp_path / "2.npz", entries), fresh)


@pytest.mark.parametrize(
    "another",
    [
        replace(PLAIN, layers=[{"layer": "Dense", "units": 5}]),
        replace(PLAIN, layers=[{"layer": "Dense", "units": 4, "name": "other"}]),
        replace(PLAIN, optimizer={"optimizer": "Adam"}),
        replace(PLAIN, fit=PLAIN.fit | {"early_stopping": None}),
        replace(PLAIN, fit=PLAIN.fit | {"reduce_lr_on_plateau": {}}),
    ],
    ids=["other units", "another layer", "another optimizer", "no stopping", "a plateau"],
)
def test_a_checkpoint_of_another_training_is_refused(written: Path, another: Animal) -> None:
    _assert_refused(written, ready(another), "It is of ")


def test_what_is_no_file_of_ours_at_all_is_refused(fresh: Training, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("no zip" * 100)
    np.save(tmp_path / "array.npy", np.zeros(3))

    for name in ("empty", "text", "array.npy", "missing", "."):
        _assert_refused(tmp_path / name, fresh)


def test_a_checkpoint_that_cannot_be_read_now_is_not_taken_for_damaged(
    written: Path, fresh: Training
) -> None:
    before = _values(fresh)

    with _no_more_files(), pytest.raises(UnreadCheckpoint, match="Too many open files"):
        _load(written, fresh)

    assert _same(_values(fresh), before)


def test_a_disk_that_fails_damages_no_checkpoint(fresh: Training, bad_disk: Path) -> None:
    with pytest.raises(UnreadCheckpoint, match="Input/output error"):
        _load(bad_disk, fresh)


def test_an_attempt_passes_over_what_it_cannot_read_now_and_does_not_call_it_damaged(
    written: Path, fresh: Training, bad_disk: Path
) -> None:
    found = Checkpointing(folder="", seconds=1.0, found=(_file(3, bad_disk), _file(2, written)))

    beginning = resume(found, fresh.network, fresh.callbacks)

    assert (beginning.epoch, beginning.unreadable) == (2, ())


def test_an_attempt_that_can_read_none_of_them_now_does_not_begin_anew(
    fresh: Training, bad_disk: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(b"damaged")
    found = Checkpointing(folder="", seconds=1.0, found=(_file(3, bad_disk), _file(2, damaged)))

    with pytest.raises(UnreadCheckpoint):
        resume(found, fresh.network, fresh.callbacks)


def _file(epoch: int, path: Path) -> CheckpointFile:
    return CheckpointFile(epoch=epoch, path=str(path), sha256="", bytes=0)


@contextmanager
def _no_more_files() -> Iterator[None]:
    """This process may open no further file."""
    free = os.dup(0)
    os.close(free)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_checkpoint_for_which_there_is_no_room_leaves_the_one_before_and_no_rest(
    tmp_path: Path,
) -> None:
    training = ready(PLAIN)
    training.loop.run()
    (tmp_path / "2.npz").write_bytes(b"the one before")

    with _room_for(1024), pytest.raises(OSError, match="too large"):
        checkpoint.write(tmp_path / "2.npz", training.network, training.callbacks, PROGRESS)

    assert [path.name for path in tmp_path.iterdir()] == ["2.npz"]
    assert (tmp_path / "2.npz").read_bytes() == b"the one before"


@contextmanager
def _room_for(size: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_checkpoints_are_due_some_seconds_apart() -> None:
    pace = Pace(10.0, now=100.0)
    assert not pace.due(109.9)
    assert pace.due(110.0)

    pace.written(began=110.0, ended=110.1)

    assert not pace.due(120.0)
    assert pace.due(120.2)


def test_a_checkpoint_that_takes_long_is_followed_by_a_longer_pause() -> None:
    pace = Pace(10.0, now=0.0)
    pace.written(began=10.0, ended=13.0)

    begins = next(now for now in np.arange(13.0, 1000.0, 0.5) if pace.due(now))

    assert 3.0 / (begins - 10.0) <= MAX_SHARE
    assert begins < 10.0 + 1.1 * 3.0 / MAX_SHARE


def test_a_disk_that_stalls_once_is_not_taken_for_slow() -> None:
    pace = Pace(10.0, now=0.0)
    pace.written(began=10.0, ended=10.1)
    pace.written(began=20.1, ended=80.1)
    assert pace.due(90.2)

    pace.written(began=90.2, ended=150.2)

    assert not pace.due(2000.0)


def test_one_that_failed_is_tried_again_as_soon_as_the_next_is_due() -> None:
    pace = Pace(10.0, now=0.0)
    pace.failed(now=40.0)

    assert not pace.due(49.9)
    assert pace.due(50.0)
