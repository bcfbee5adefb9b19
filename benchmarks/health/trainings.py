"""Has the service train what the matrix asks for, as any client would, and fetches what came of it.

Everything is queued at once; repairs join the queue as soon as the training that they repair is
over.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np
from rich.console import Console

from benchmarks.health.datasets import Draw
from benchmarks.health.faults import FAULTS, Case
from benchmarks.health.rows import TARGET, Part, Split, class_name, split
from benchmarks.health.settings import SETTINGS, Spec
from benchmarks.health.truth import Losses
from benchmarks.service import Service
from models.specs.fit import FitSpec

# The seed of the second clean twin, from the first's.
OTHER_SEED = 100
WORD_SECONDS = 10.0

_CONSOLE = Console(stderr=True)

Each = TypeVar("Each")


@dataclass(slots=True, kw_only=True)
class Training:
    """One experiment of one trial.

    Attributes:
        experiment: its id.
        spec: as it was sent.
        rows: the draw that it trains on a part of.
        findings: of the trial, as GET shows them.
        trial: the whole view.
        health: what each rule came to, as GET …/health has it.
        losses: of the validation rows by what it handed out; None where there is nothing usable.
    """

    experiment: str
    spec: Spec
    rows: "Draws"
    findings: list[dict[str, Any]] = field(default_factory=list)
    trial: dict[str, Any] = field(default_factory=dict)
    health: list[dict[str, Any]] = field(default_factory=list)
    losses: Losses | None = None

    @property
    def held_out(self) -> int:
        """How many of the last of the draw's rows it did not train on, at least."""
        part = self.rows.part_of(self.spec["data"]["dataset"])
        fit = FitSpec.model_validate(self.spec["fit"])
        validation = fit.split_rows(len(part.rows.y)).validation
        planned = len(part.rows.y) - part.training
        return len(self.rows.whole.validation.y) if validation >= planned else validation


@dataclass(slots=True, kw_only=True)
class Trained:
    """All trainings of a case.

    Attributes:
        faulty: with the fault.
        best: the same with its best weights handed out; `faulty` itself where it does so.
        clean: the same setting and seed without it, on all rows.
        without: what shows what the fault costs, of the same seed and of another; mostly `clean` is
            the first.
        repaired: what the service suggested instead of the faulty one; None where nothing.
        refused: why the suggestion was not accepted, where it was not.
    """

    case: Case
    faulty: Training
    best: Training
    clean: Training
    without: tuple[Training, Training]
    repaired: Training | None = None
    refused: str | None = None

    def all(self) -> Iterator[Training]:
        """Each once."""
        yield self.faulty
        if self.best is not self.faulty:
            yield self.best
        yield self.clean
        yield from (each for each in self.without if each is not self.clean)
        if self.repaired is not None:
            yield self.repaired


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """One seed's draw of a dataset, uploaded.

    Attributes:
        parts: of all rows, and what faults leave of them.
        ids: of these as uploaded.
        path: of all validation rows, as arrays.
    """

    parts: Mapping[Part, Split]
    ids: Mapping[Part, str]
    path: Path

    @property
    def whole(self) -> Split:
        """All rows."""
        return self.parts["whole"]

    def part_of(self, dataset: str) -> Split:
        """What was uploaded by this id."""
        return next(self.parts[part] for part, known in self.ids.items() if known == dataset)


def train(
    running: Service, folder: Path, draws: Mapping[str, Draw], matrix: Sequence[Case]
) -> list[Trained]:
    """Train all cases and what is suggested for the faulty ones.

    Args:
        running: the service.
        folder: for datasets and networks.
        draws: of the datasets, by name.
        matrix: what to train.
    """
    keys = sorted({(case.dataset, case.seed) for case in matrix})
    rows = {
        key: _uploaded(running, folder, key, draws[key[0]], _parts(matrix, key))
        for key in _counted("datasets uploaded", keys)
    }
    queued = [
        _queued(running, case, rows[case.dataset, case.seed])
        for case in _counted("cases queued", matrix)
    ]
    for case in _counted("cases trained", queued):
        for training in case.all():
            _watch(running, training)
        _suggested(running, case)
    for case in _counted("repairs trained", queued):
        if case.repaired is not None:
            _watch(running, case.repaired)
    everything = [training for case in queued for training in case.all()]
    _predict(running, folder, everything)
    return queued


def handing_out_best(spec: Spec) -> Spec:
    """The same training, to the last bit, which hands out the weights of its best epoch."""
    fit = spec["fit"]
    stopping = fit["early_stopping"] or {"patience": fit["epochs"]}
    return {**spec, "fit": {**fit, "early_stopping": {**stopping, "restore_best_weights": True}}}


def _parts(matrix: Sequence[Case], key: tuple[str, int]) -> set[Part]:
    asked = (FAULTS[case.fault].rows for case in matrix if (case.dataset, case.seed) == key)
    return {"whole", *asked}


def _uploaded(
    running: Service, folder: Path, key: tuple[str, int], draw: Draw, asked: set[Part]
) -> Draws:
    dataset, seed = key
    name = f"{dataset}-{seed}"
    whole = split(draw(), seed)
    parts = {part: whole.part(part, seed) for part in sorted(asked)}
    for part, rows in parts.items():
        rows.write(folder / f"{name}-{part}.csv")
    path = folder / f"{name}.npz"
    np.savez(path, x=whole.validation.x, y=whole.validation.y)
    ids = {part: running.upload(folder / f"{name}-{part}.csv") for part in parts}
    return Draws(parts=parts, ids=ids, path=path)


def _queued(running: Service, case: Case, rows: Draws) -> Trained:
    fault, setting = FAULTS[case.fault], SETTINGS[case.setting]
    sent = _on(setting, rows, case)
    faulty = _on(fault.spec(setting), rows, case, part=fault.rows)
    undone = _on(fault.without(setting), rows, case, part=fault.rows if fault.undo else "whole")
    first, clean = _posted(running, faulty, rows), _posted(running, sent, rows)
    return Trained(
        case=case,
        faulty=first,
        best=first if _restores(faulty) else _posted(running, handing_out_best(faulty), rows),
        clean=clean,
        without=(
            clean if undone == sent else _posted(running, undone, rows),
            _posted(running, {**undone, "seed": case.seed + OTHER_SEED}, rows),
        ),
    )


def _on(setting: Spec, rows: Draws, case: Case, *, part: Part = "whole") -> Spec:
    spec = deepcopy(setting)
    spec["name"] = case.name
    spec["data"] |= {"dataset": rows.ids[part], "target": TARGET}
    spec["fit"]["validation_split"] = rows.parts[part].share
    spec["seed"] = case.seed
    return spec


def _restores(spec: Spec) -> bool:
    stopping = spec["fit"]["early_stopping"]
    return stopping is not None and bool(stopping["restore_best_weights"])


def _posted(running: Service, spec: Spec, rows: Draws) -> Training:
    """Queue it.

    Raises:
        RuntimeError: it was refused, with what was said to it.
    """
    try:
        experiment = running.post(spec)
    except httpx.HTTPStatusError as refused:
        raise RuntimeError(refused.response.text) from refused
    return Training(experiment=experiment, spec=spec, rows=rows)


def _watch(running: Service, training: Training) -> None:
    running.until_over(training.experiment)
    path = f"/experiments/{training.experiment}/trials/1"
    training.trial = running.client.get(path).raise_for_status().json()
    training.findings = training.trial["findings"]
    answer = running.client.get(f"{path}/health")
    if answer.status_code == httpx.codes.OK:
        training.health = answer.json()["checks"]


def _suggested(running: Service, case: Trained) -> None:
    """Do as one is told: POST what GET …/next has."""
    answer = running.client.get(f"/experiments/{case.faulty.experiment}/next")
    if answer.status_code == httpx.codes.NOT_FOUND:
        return
    spec = answer.raise_for_status().json()
    try:
        case.repaired = _posted(running, spec, case.faulty.rows)
    except RuntimeError as refused:
        case.refused = str(refused)


def _predict(running: Service, folder: Path, trainings: Sequence[Training]) -> None:
    """Read back the losses that a process with Keras computes from the downloaded networks."""
    jobs, asked = [], []
    for training in _counted("networks downloaded", trainings):
        if training.trial["stop_reason"] == "diverged":
            continue
        answer = running.client.get(f"/experiments/{training.experiment}/trials/1/network")
        if answer.status_code != httpx.codes.OK:
            continue
        network = folder / f"{training.experiment}.keras"
        network.write_bytes(answer.content)
        losses = folder / f"{training.experiment}.npy"
        rows = training.rows
        jobs.append(
            {
                "network": str(network),
                "rows": str(rows.path),
                "losses": str(losses),
                "classes": _classes(rows.whole),
            }
        )
        asked.append((training, losses))
    (folder / "jobs.json").write_text(json.dumps(jobs))
    command = [sys.executable, "-m", "benchmarks.health.predict", str(folder / "jobs.json")]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in _counted("networks evaluated", asked):
            process.stdout.readline()
    if process.returncode:
        raise RuntimeError(f"the networks could not be evaluated: {process.returncode}")
    for training, losses in asked:
        training.losses = np.load(losses)


def _classes(rows: Split) -> list[str] | None:
    if rows.rows.kind == "numbers":
        return None
    return [class_name(number) for number in range(int(rows.rows.y.max()) + 1)]


def _counted(what: str, each: Sequence[Each]) -> Iterator[Each]:
    """Say how far it is, now and then."""
    said = time.monotonic()
    for number, one in enumerate(each, start=1):
        yield one
        if time.monotonic() - said >= WORD_SECONDS or number == len(each):
            said = time.monotonic()
            _CONSOLE.print(f"  {number} of {len(each)} {what}")
