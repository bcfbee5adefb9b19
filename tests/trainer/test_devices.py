"""Several devices share the batches of one network, and give the numbers of one device."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from models.specs.experiment import Device
from tests.trainer.trials import trial
from worker.process import TrainerSettings
from worker.trainer.engine import ALLOW_GROWTH, GPUS_PER_TRIAL, choose, grow_memory, sharing

CASES = ("whole batches", "a last batch of 11", "a last batch of 1, steps skipped")


@pytest.fixture(scope="module")
def trained() -> dict[str, Any]:
    """What tests.trainer.on_two_devices prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.trainer.on_two_devices"],
        env=os.environ | {"KERAS_BACKEND": "tensorflow", GPUS_PER_TRIAL: "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    printed: dict[str, Any] = json.loads(ran.stdout)
    return printed


@pytest.mark.parametrize("case", CASES)
def test_two_devices_give_the_history_of_one(trained: dict[str, Any], case: str) -> None:
    one, two = trained["cases"][case]

    assert two["initial"] == pytest.approx(one["initial"], rel=1e-5)
    assert two["history"] == pytest.approx(one["history"], rel=1e-5)
    assert two["weights"] == pytest.approx(one["weights"], rel=1e-4)
    assert two["steps"] == one["steps"]


@pytest.mark.parametrize("case", CASES)
def test_two_devices_measure_what_one_does(trained: dict[str, Any], case: str) -> None:
    one, two = trained["cases"][case]

    assert len(one["measured"]) == 4
    for mine, other in zip(two["measured"], one["measured"], strict=True):
        assert mine == pytest.approx(other, rel=1e-3, abs=1e-6)
        assert len(mine) >= 6


def test_a_step_is_skipped_on_both_when_one_cannot_say_its_gradients(
    trained: dict[str, Any],
) -> None:
    batches_in_all = 6 * 3

    assert trained["cases"][CASES[2]][1]["steps"][0] < batches_in_all


def test_a_trial_on_two_devices_goes_on_from_its_checkpoint_to_the_same_bits(
    trained: dict[str, Any],
) -> None:
    resumed = trained["resumed"]
    whole, rest = resumed["epochs"]

    assert resumed["engine"]["devices"] == 2
    first, again = resumed["row_losses"]
    assert first == again
    assert first == pytest.approx(min(row["val_loss"] for row in whole), rel=1e-4)
    assert len(rest) == len(whole) - resumed["after"] > 0
    assert rest == whole[resumed["after"] :]


@pytest.mark.parametrize(
    ("seen", "allowed", "batch_size", "used"),
    [
        (4, 4, 32, 4),
        (4, 2, 32, 2),
        (4, 1, 32, 1),
        (1, 4, 32, 1),
        (3, 3, 32, 2),  # 32 rows cannot be shared by three
        (4, 4, 7, 1),
    ],
)
def test_as_many_devices_as_may_be_taken_and_share_a_batch_evenly(
    seen: int, allowed: int, batch_size: int, used: int
) -> None:
    spec = trial(fit={"batch_size": batch_size})

    assert sharing(spec, seen=seen, allowed=allowed) == used


def test_what_is_to_be_compiled_by_xla_takes_one_device() -> None:
    spec = trial(compile={"jit_compile": True})

    assert sharing(spec, seen=4, allowed=4) == 1
    assert choose(spec, rows=100).view()["devices"] == 1


def test_a_trainer_is_told_how_many_gpus_a_trial_may_take() -> None:
    settings = TrainerSettings(threads=1, device=Device.GPU, gpus=3)

    assert settings.environment()[GPUS_PER_TRIAL] == "3"


@pytest.mark.parametrize(
    ("setting", "grown"), [(None, ["GPU:0", "GPU:1"]), ("true", ["GPU:0", "GPU:1"]), ("false", [])]
)
def test_the_memory_of_every_gpu_grows_unless_the_settings_say_otherwise(
    monkeypatch: pytest.MonkeyPatch, setting: str | None, grown: list[str]
) -> None:
    monkeypatch.delenv(ALLOW_GROWTH, raising=False)
    if setting is not None:
        monkeypatch.setenv(ALLOW_GROWTH, setting)
    asked: list[str] = []

    grow_memory(["GPU:0", "GPU:1"], lambda gpu, on: asked.append(gpu) if on else None)

    assert asked == grown
    environment = TrainerSettings(threads=1, device=Device.GPU).environment()
    assert environment[ALLOW_GROWTH] == (setting or "true")
