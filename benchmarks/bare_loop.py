"""The same trainings without a service around them: a warm trainer process, told what to train."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from models.resolve import resolve
from models.specs.experiment import Device, ExperimentSpec
from store.formats.builtin import write_bundled
from worker.messages import Failed, Finished, Ready, Train
from worker.process import TrainerProcess, TrainerSettings


def bare_trial(spec: dict[str, object], folder: Path) -> Train:
    """What a trainer is told for a spec on builtin:digits, its data written below a folder."""
    data = folder / "digits"
    data.mkdir()
    profile = write_bundled("digits", data)
    trial = resolve(ExperimentSpec.model_validate(spec), {}, profile, seed=7)
    return Train(trial=trial, profile=profile, folder=str(data), network="")


def seconds_of_bare_trainings(trial: Train, threads: int) -> Iterator[float]:
    """Train the same trial again and again in one warm trainer, and yield each time's seconds.

    Args:
        trial: what to train; its network path is replaced by a temporary one.
        threads: of TensorFlow.
    """
    settings = TrainerSettings(threads=threads, device=Device.CPU)
    with TrainerProcess(settings) as trainer, tempfile.TemporaryDirectory() as folder:
        _until(trainer, Ready)
        while True:
            network = str(Path(folder) / "network.keras")
            started = time.monotonic()
            trainer.send(trial.model_copy(update={"network": network}))
            _until(trainer, Finished)
            yield time.monotonic() - started


def _until(trainer: TrainerProcess, kind: type[Ready | Finished]) -> None:
    while True:
        report = trainer.receive(600)
        if isinstance(report, Failed):
            raise RuntimeError(report.detail)  # noqa: TRY004 - a training failed, no type is wrong
        if isinstance(report, kind):
            return
