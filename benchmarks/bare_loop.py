"""The same trainings without a service around them: a warm trainer process, told what to train."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models.resolve import resolve
from models.specs.experiment import Device, ExperimentSpec
from store.formats.builtin import write_bundled
from worker.messages import (
    Checkpointed,
    Checkpointing,
    Epochs,
    Failed,
    Finished,
    Ready,
    Report,
    Train,
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """A training with checkpoints, and just before it the same without.

    Attributes:
        seconds: with them.
        alone: without.
        writing: what the trainer spent on checkpoints: from the last row before one to the word
            that it is written.
        checkpoints: how many.
    """

    seconds: float
    alone: float
    writing: float
    checkpoints: int


def protected_trainings(trial: Train, threads: int, every: float) -> Iterator[Protected]:
    """Train the same trial without and with checkpoints, again and again in one warm trainer.

    Nobody stores the files, as a supervisor would in a process of its own; the first training of
    all, which loads what is loaded once, is not among them.

    Args:
        trial: what to train; its paths are replaced by temporary ones.
        threads: of TensorFlow.
        every: seconds between two checkpoints.
    """
    settings = TrainerSettings(threads=threads, device=Device.CPU)
    with TrainerProcess(settings) as trainer, tempfile.TemporaryDirectory() as folder:
        _until(trainer, Ready)
        alone = trial.model_copy(update={"network": str(Path(folder) / "network.keras")})
        checkpointing = Checkpointing(folder=folder, seconds=every)
        protected = alone.model_copy(update={"checkpointing": checkpointing})
        _timed(trainer, _short(alone))
        while True:
            unprotected_seconds, _, _ = _timed(trainer, alone)
            seconds, writing, checkpoints = _timed(trainer, protected)
            yield Protected(
                seconds=seconds,
                alone=unprotected_seconds,
                writing=writing,
                checkpoints=checkpoints,
            )


def _short(plan: Train) -> Train:
    fit = plan.trial.fit.model_copy(update={"epochs": 1})
    return plan.model_copy(update={"trial": plan.trial.model_copy(update={"fit": fit})})


def _timed(trainer: TrainerProcess, plan: Train) -> tuple[float, float, int]:
    """Seconds of a training, those of them spent on checkpoints, and how many there were."""
    started = last_row = time.monotonic()
    writing, checkpoints = 0.0, 0
    trainer.send(plan)
    for report in _reports(trainer):
        now = time.monotonic()
        if isinstance(report, Epochs):
            last_row = now
        elif isinstance(report, Checkpointed):
            writing += now - last_row
            checkpoints += 1
        elif isinstance(report, Finished):
            break
    return time.monotonic() - started, writing, checkpoints


def _until(trainer: TrainerProcess, kind: type[Ready | Finished]) -> None:
    next(report for report in _reports(trainer) if isinstance(report, kind))


def _reports(trainer: TrainerProcess) -> Iterator[Report]:
    while True:
        report = trainer.receive(600)
        if isinstance(report, Failed):
            raise RuntimeError(report.detail)  # noqa: TRY004 - a training failed, no type is wrong
        if report is not None:
            yield report
