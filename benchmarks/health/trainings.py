"""Has the service train what the matrix asks for, as any client would, and fetches what came of it.

Everything is queued at once; repairs join the queue as soon as the training that they repair is
over.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path

import httpx
import numpy as np

from benchmarks.health import losses
from benchmarks.health.datasets import Draw
from benchmarks.health.faults import FAULTS, Case
from benchmarks.health.progress import counted
from benchmarks.health.rows import TARGET, Part, split
from benchmarks.health.settings import SETTINGS, Spec
from benchmarks.health.trained import Draws, Trained, Training
from benchmarks.service import Service

# The seed of the second clean twin, from the first's.
OTHER_SEED = 100


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
        for key in counted("datasets uploaded", keys)
    }
    queued = [
        _queued(running, case, rows[case.dataset, case.seed])
        for case in counted("cases queued", matrix)
    ]
    for case in counted("cases trained", queued):
        for training in case.all():
            _watch(running, training)
        _suggested(running, case)
    for case in counted("repairs trained", queued):
        if case.repaired is not None:
            _watch(running, case.repaired)
    everything = [training for case in queued for training in case.all()]
    losses.fetch(running, folder, everything)
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
