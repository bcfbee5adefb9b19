"""What searches of equal cost miss: epochd's beside KerasTuner's, on the same rows and space.

A round has its own rows in its own order, the last 30 % validating. Hyperband says how many epochs
everybody has in all; the others spend them on as many whole trainings as that allows. The regret of
a search is by how much the val_loss of its best network is above the best that anybody found in
that round, each at its best epoch.
"""

import csv
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks import peer
from benchmarks.data import Rows
from benchmarks.figures import Figure
from benchmarks.quality.concluded import concluded
from benchmarks.service import Service

EPOCHS, BATCH_SIZE, VALIDATION_SPLIT = 20, 32, 0.3
PEERS = {"KerasTuner's RandomSearch": "random", "KerasTuner's Hyperband": "hyperband"}
SCRIPT = "keras_tuner_regret.py"

# The same as in the peers' script.
SPACE = {
    "network.layers.0.units": {"int": {"low": 8, "high": 256, "log": True}},
    "network.layers.1.rate": {"float": {"low": 0, "high": 0.5}},
    "network.layers.2.units": {"int": {"low": 8, "high": 256, "log": True}},
    "compile.optimizer.learning_rate": {"float": {"low": 0.0001, "high": 0.1, "log": True}},
}
OURS: Mapping[str, dict[str, Any]] = {
    "random": {"strategy": "random"},
    "tpe": {"strategy": "tpe", "startup": 5},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One search of a round.

    Attributes:
        loss: the best val_loss that it found.
        fits: how many trainings.
        epochs: of all of them.
    """

    loss: float
    fits: int
    epochs: int


def measure(running: Service, rows: Rows, folder: Path, *, rounds: int) -> list[Figure]:
    """One figure for each of epochd's searches and each of KerasTuner's.

    Args:
        running: the service.
        rows: a table with classes.
        folder: for the rows of each round.
        rounds: how many; the seeds are 0, 1, …
    """
    found: list[dict[str, Spent]] = []
    console = Console(stderr=True)
    for seed in range(rounds):
        console.print(f"  regret, round {seed + 1} of {rounds}")
        try:
            found.append(_round(running, rows, folder, seed))
        except peer.Missing as without:
            return [
                Figure.missing(f"{_what(our, rows)} {their}", str(without), "no more")
                for our in OURS
                for their in PEERS
            ]
        console.print(", ".join(f"  {name} {spent.loss:.4f}" for name, spent in found[-1].items()))
    regret = regrets([{name: each.loss for name, each in one.items()} for one in found])
    return [
        Figure(
            f"{_what(our, rows)} {their}, {rounds} rounds",
            f"{_told(regret[our], [one[our] for one in found])} against "
            f"{_told(regret[their], [one[their] for one in found])}",
            "no more, to one standard error",
            no_more(regret[our], regret[their]),
        )
        for our in OURS
        for their in PEERS
    ]


def regrets(losses: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """How far each search stayed behind the best of its round, round by round.

    Args:
        losses: of each round, search -> the best loss that it found.
    """
    return {name: [one[name] - min(one.values()) for one in losses] for name in (losses or [{}])[0]}


def no_more(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Whether ours is not shown to be more: on average by at most one paired standard error."""
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    error = (
        statistics.stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else 0.0
    )
    return statistics.fmean(differences) <= error


def _what(our: str, rows: Rows) -> str:
    return f"{rows.name}: regret of {our}, beside"


def _told(regret: Sequence[float], spent: Sequence[Spent]) -> str:
    fits = statistics.fmean(each.fits for each in spent)
    epochs = statistics.fmean(each.epochs for each in spent)
    return f"{statistics.fmean(regret):.4f} ({fits:g} fits, {epochs:g} epochs)"


def _round(running: Service, rows: Rows, folder: Path, seed: int) -> dict[str, Spent]:
    order = np.random.default_rng(seed).permutation(len(rows.y))
    x, y = np.asarray(rows.x, dtype=np.float64)[order], rows.y[order]
    task = {
        "data": str(_scaled(folder / f"{seed}.npz", x, y)),
        "classes": rows.classes,
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "seed": seed,
        "trials": 0,
    }
    theirs = {"KerasTuner's Hyperband": _peer(task, "hyperband", folder / f"hyperband{seed}")}
    trials = round(theirs["KerasTuner's Hyperband"].epochs / EPOCHS)
    theirs["KerasTuner's RandomSearch"] = _peer(
        task | {"trials": trials}, "random", folder / f"random{seed}"
    )
    dataset = running.upload(_table(folder / f"{seed}.csv", x, y))
    return theirs | {
        name: _ours(running, f"{name}, {trials} settings", _spec(dataset, search, trials, seed))
        for name, search in OURS.items()
    }


def _peer(task: dict[str, object], tuner: str, folder: Path) -> Spent:
    answer = peer.answered(SCRIPT, task | {"tuner": tuner, "folder": str(folder)})
    return Spent(loss=answer["loss"], fits=answer["fits"], epochs=answer["epochs"])


def _ours(running: Service, what: str, spec: dict[str, Any]) -> Spent:
    search = concluded(running, what, spec)
    return Spent(loss=search.candidates[0].loss, fits=search.fits, epochs=search.epochs)


def _spec(dataset: str, search: dict[str, Any], trials: int, seed: int) -> dict[str, Any]:
    hidden = {"layer": "Dense", "units": 32, "activation": "relu"}
    return {
        "data": {"dataset": dataset, "target": "class"},
        "network": {"layers": [hidden, {"layer": "Dropout", "rate": 0.2}, hidden]},
        "compile": {"optimizer": {"optimizer": "Adam", "learning_rate": 0.001}},
        "fit": {
            "epochs": EPOCHS,
            "batch_size": BATCH_SIZE,
            "validation_split": VALIDATION_SPLIT,
            "split": "last",
            "early_stopping": None,
        },
        "search": search | {"count": trials, "over": SPACE},
        # One after the other, as KerasTuner's trials are.
        "limits": {"max_parallel": 1},
        "seed": seed,
    }


def _scaled(
    path: Path, x: np.ndarray[Any, np.dtype[np.float64]], y: np.ndarray[Any, np.dtype[np.int64]]
) -> Path:
    """For the peers: columns scaled by the training rows, as the service does it."""
    training = math.floor(len(x) * (1 - VALIDATION_SPLIT))
    spread = x[:training].std(axis=0)
    scaled = (x - x[:training].mean(axis=0)) / np.where(spread == 0, 1, spread)
    np.savez(path, x=scaled.astype(np.float32), y=y, training=training)
    return path


def _table(
    path: Path, x: np.ndarray[Any, np.dtype[np.float64]], y: np.ndarray[Any, np.dtype[np.int64]]
) -> Path:
    with path.open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["class", *(f"column_{number}" for number in range(x.shape[1]))])
        write.writerows([label, *row] for label, row in zip(y.tolist(), x.tolist(), strict=True))
    return path
