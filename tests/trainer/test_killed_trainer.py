"""A trainer process is killed, another goes on, and the network is the one it would have been."""

import os
import signal
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
import psutil
import pytest

from models.lifecycle import StopReason
from models.profile import DatasetProfile
from models.specs.experiment import Device
from store.artifacts import sha256_of
from store.formats.builtin import write_bundled
from tests.trainer.trials import trial
from worker.messages import (
    Checkpointed,
    CheckpointFailed,
    CheckpointFile,
    Checkpointing,
    Epoch,
    Epochs,
    Failed,
    Finished,
    Ready,
    Report,
    Started,
    Train,
)
from worker.process import TrainerGone, TrainerProcess, TrainerSettings

SETTINGS = TrainerSettings(threads=2, device=Device.CPU)
EPOCHS = 12
SECONDS = 120.0
Kind = TypeVar("Kind", bound=Report)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DatasetProfile]:
    """The digits, ready to train on."""
    folder = tmp_path_factory.mktemp("digits")
    return folder, write_bundled("digits", folder)


@pytest.fixture(scope="module")
def trainer() -> Iterator[TrainerProcess]:
    """A warm trainer, which has trained other things before for most."""
    with TrainerProcess(SETTINGS) as process:
        _until(process, Ready)
        yield process


def _plan(
    digits: tuple[Path, DatasetProfile], network: Path, checkpointing: Checkpointing | None
) -> Train:
    folder, profile = digits
    spec = trial(
        layers=[
            {"layer": "Dense", "units": 32, "activation": "relu"},
            {"layer": "BatchNormalization"},
            {"layer": "Dropout", "rate": 0.2},
            {"layer": "Dense", "units": 10, "activation": "softmax"},
        ],
        fit={"epochs": EPOCHS, "early_stopping": {"patience": EPOCHS}},
        compile={"optimizer": "adam"},
    )
    return Train(
        trial=spec,
        profile=profile,
        folder=str(folder),
        network=str(network),
        checkpointing=checkpointing,
    )


def _reports(process: TrainerProcess) -> Iterator[Report]:
    while True:
        report = process.receive(SECONDS)
        assert report is not None, f"no report within {SECONDS} s"
        assert not isinstance(report, Failed), report.detail
        yield report


def _until(process: TrainerProcess, kind: type[Kind]) -> list[Report]:
    """All reports up to the first of a kind, which is the last of them."""
    seen: list[Report] = []
    for report in _reports(process):
        seen.append(report)
        if isinstance(report, kind):
            return seen
    raise AssertionError


def _rows(reports: list[Report]) -> list[dict[str, Any]]:
    rows: list[Epoch] = [
        row for report in reports if isinstance(report, Epochs) for row in report.rows
    ]
    return [row.model_dump(exclude={"seconds"}) for row in rows]


def _weights(path: Path) -> dict[str, Any]:
    """All arrays in a .keras file, by their names there."""
    arrays: dict[str, Any] = {}
    with zipfile.ZipFile(path) as archive:
        stored = BytesIO(archive.read("model.weights.h5"))
    with h5py.File(stored) as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return arrays


def test_a_killed_training_goes_on_elsewhere_to_the_same_network(
    digits: tuple[Path, DatasetProfile], trainer: TrainerProcess, tmp_path: Path
) -> None:
    trainer.send(_plan(digits, tmp_path / "undisturbed.keras", None))
    undisturbed = _until(trainer, Finished)

    scratch = tmp_path / "checkpoints"
    scratch.mkdir()
    checkpointing = Checkpointing(folder=str(scratch), seconds=0)
    with TrainerProcess(SETTINGS) as doomed:
        doomed.send(_plan(digits, tmp_path / "killed.keras", checkpointing))
        before = [*_until(doomed, Checkpointed), *_until(doomed, Epochs)]
        os.kill(doomed.pid, signal.SIGKILL)
        with pytest.raises(TrainerGone):
            before.extend(_reports(doomed))
    files = [report.file for report in before if isinstance(report, Checkpointed)]
    damaged = CheckpointFile(epoch=99, path=str(tmp_path / "no.npz"), sha256="", bytes=0)

    found = (damaged, *reversed(files))
    again = Checkpointing(folder=str(scratch), seconds=1e6, found=found)
    trainer.send(_plan(digits, tmp_path / "resumed.keras", again))
    after = _until(trainer, Finished)

    started = next(report for report in after if isinstance(report, Started))
    last = files[-1]
    assert (started.epoch, started.unreadable) == (last.epoch, (99,))
    assert sha256_of(Path(last.path)) == last.sha256
    assert not list(scratch.glob("*.partial"))
    assert _rows(after) == _rows(undisturbed)[last.epoch :]
    assert _rows(before) == _rows(undisturbed)[: len(_rows(before))]
    one, other = _weights(tmp_path / "undisturbed.keras"), _weights(tmp_path / "resumed.keras")
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(other[name], values, err_msg=name)
    end = after[-1]
    assert isinstance(end, Finished)
    assert end.stop_reason is StopReason.COMPLETED


def test_a_trainer_does_not_load_what_no_trial_uses(trainer: TrainerProcess) -> None:
    mapped = [each.path for each in psutil.Process(trainer.pid).memory_maps()]

    assert any("tensorflow" in path for path in mapped)
    assert not any("sklearn" in path for path in mapped)


def test_a_checkpoint_is_reported_after_the_rows_of_its_epoch(
    digits: tuple[Path, DatasetProfile], trainer: TrainerProcess, tmp_path: Path
) -> None:
    checkpointing = Checkpointing(folder=str(tmp_path), seconds=0)
    trainer.send(_plan(digits, tmp_path / "network.keras", checkpointing))
    reports = _until(trainer, Finished)

    checkpoints = [number for number, each in enumerate(reports) if isinstance(each, Checkpointed)]
    assert checkpoints
    for number in checkpoints:
        report = reports[number]
        assert isinstance(report, Checkpointed)
        assert _rows(reports[:number])[-1]["epoch"] == report.file.epoch


def test_a_training_that_cannot_leave_checkpoints_goes_on_without(
    digits: tuple[Path, DatasetProfile], trainer: TrainerProcess, tmp_path: Path
) -> None:
    nowhere = Checkpointing(folder=str(tmp_path / "nowhere"), seconds=0)
    trainer.send(_plan(digits, tmp_path / "network.keras", nowhere))
    reports = _until(trainer, Finished)

    failed = [report for report in reports if isinstance(report, CheckpointFailed)]
    assert [report.epoch for report in failed] == list(range(1, EPOCHS + 1))
    assert failed[0].problem == ("The checkpoint could not be written: No such file or directory.")
    assert len(_rows(reports)) == EPOCHS
