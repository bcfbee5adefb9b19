"""What validation rows cost by the networks that were handed out, as plain Keras computes it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.health.progress import counted
from benchmarks.health.rows import Split, class_name
from benchmarks.health.trained import Training
from benchmarks.service import Service


def fetch(running: Service, folder: Path, trainings: Sequence[Training]) -> None:
    """Note in each training what it handed out costs; None stays where there is no network."""
    jobs = [
        (training, job)
        for training in counted("networks downloaded", trainings)
        if (job := _downloaded(running, folder, training)) is not None
    ]
    _evaluate(folder / "jobs.json", [job for _, job in jobs])
    for training, job in jobs:
        training.losses = np.load(job["losses"])


def _downloaded(running: Service, folder: Path, training: Training) -> dict[str, Any] | None:
    """A job of `benchmarks.health.predict`; None where no network is to be had."""
    if training.trial["stop_reason"] == "diverged":
        return None
    answer = running.client.get(f"/experiments/{training.experiment}/trials/1/network")
    if answer.status_code != httpx.codes.OK:
        return None
    network = folder / f"{training.experiment}.keras"
    network.write_bytes(answer.content)
    return {
        "network": str(network),
        "rows": str(training.rows.path),
        "losses": str(network.with_suffix(".npy")),
        "classes": _classes(training.rows.whole),
    }


def _evaluate(path: Path, jobs: Sequence[dict[str, Any]]) -> None:
    """In a process of its own, since this one has no Keras.

    Raises:
        RuntimeError: that process failed.
    """
    path.write_text(json.dumps(jobs))
    command = [sys.executable, "-m", "benchmarks.health.predict", str(path)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in counted("networks evaluated", jobs):
            process.stdout.readline()
    if process.returncode:
        raise RuntimeError(f"the networks could not be evaluated: {process.returncode}")


def _classes(rows: Split) -> list[str] | None:
    if rows.rows.kind == "numbers":
        return None
    return [class_name(number) for number in range(int(rows.rows.y.max()) + 1)]
