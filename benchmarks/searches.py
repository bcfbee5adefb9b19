"""Three learning rates: the service, from POST to conclusion, against what else one would use.

A round is the service's search and then each peer's, so that what slows the machine slows all of
them. Seeds differ from round to round.
"""

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import peer
from benchmarks.data import Rows
from benchmarks.figures import Figure
from benchmarks.service import Service

RATES = (1e-7, 0.01, 1.0)
BATCH_SIZE, PATIENCE = 32, 2
PEERS = {
    "a Keras script": "keras_script.py",
    "KerasTuner's grid": "keras_tuner_grid.py",
    "Ray Tune": "ray_tune.py",
    "Optuna + Keras": "optuna_search.py",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ours:
    seconds: float
    epochs: int


def measure(
    running: Service, rows: Rows, *, rounds: int, epochs: int, times: float
) -> list[Figure]:
    """One figure a peer.

    Args:
        running: a warm service.
        rows: to train on.
        rounds: how often everybody searches; the medians count.
        epochs: at most, a trial.
        times: how much faster the service shall be.
    """
    dataset = running.upload(rows.upload)
    first = _ours(running, rows, dataset, epochs, seed=0)
    ours: list[_Ours] = []
    theirs: dict[str, list[peer.Searched]] = defaultdict(list)
    missing: dict[str, str] = {}
    for number in range(1, rounds + 1):
        ours.append(_ours(running, rows, dataset, epochs, seed=number))
        for name, script in PEERS.items():
            if name in missing:
                continue
            try:
                with _task(rows, epochs) as task:
                    theirs[name].append(peer.search(script, task))
            except peer.Missing as without:
                missing[name] = str(without)
    what = f"three learning rates on {rows.name}, against"
    return [
        Figure.missing(f"{what} {name}", missing[name], f"{times:g}x")
        if name in missing
        else _figure(f"{what} {name}", first, ours, theirs[name], times)
        for name in PEERS
    ]


def _figure(
    what: str, first: _Ours, ours: list[_Ours], theirs: list[peer.Searched], times: float
) -> Figure:
    ratios = [their.seconds / our.seconds for our, their in zip(ours, theirs, strict=True)]
    ratio = statistics.median(ratios)
    seconds = statistics.median(each.seconds for each in theirs)
    imports = statistics.median(each.imports for each in theirs)
    return Figure(
        what,
        f"{ratio:.1f}x ({min(ratios):.1f} to {max(ratios):.1f}): "
        f"{statistics.median(each.seconds for each in ours):.2f} s, the service's very first "
        f"{first.seconds:.2f}, against {seconds:.2f} s, of these {imports:.2f} imports; epochs "
        f"{statistics.median(each.epochs for each in ours):g} and "
        f"{statistics.median(each.epochs for each in theirs):g}",
        f"{times:g}x",
        ratio >= times,
    )


def _ours(running: Service, rows: Rows, dataset: str, epochs: int, *, seed: int) -> _Ours:
    begun = time.monotonic()
    view = running.until_over(running.post(_spec(rows, dataset, epochs, seed)), 3600)
    seconds = time.monotonic() - begun
    if view["conclusion"] is None:
        raise RuntimeError(f"the search ended without a conclusion: {view['error']}")
    progress = view["progress"]
    assert isinstance(progress, dict)
    return _Ours(seconds=seconds, epochs=progress["epochs_done"])


def _spec(rows: Rows, dataset: str, epochs: int, seed: int) -> dict[str, object]:
    """The peers' task in the service's words; "last" is Keras's own rule for who validates."""
    hidden: list[dict[str, object]] = [
        {"layer": "Dense", "units": 100, "activation": "relu"} for _ in range(2)
    ]
    return {
        "data": {"dataset": dataset, "target": rows.target},
        "network": {"layers": hidden if rows.target else [{"layer": "Flatten"}, *hidden]},
        "compile": {"optimizer": {"optimizer": "SGD"}, "metrics": ["accuracy"]},
        "fit": {
            "epochs": epochs,
            "batch_size": BATCH_SIZE,
            "validation_split": 0.3,
            "split": "last",
            "early_stopping": {"patience": PATIENCE, "restore_best_weights": True},
        },
        "search": {"strategy": "learning_rates", "values": RATES},
        "seed": seed,
    }


@contextmanager
def _task(rows: Rows, epochs: int) -> Iterator[dict[str, object]]:
    """For a peer, with a folder that is gone afterwards."""
    # Ray's sockets lie in it, and their paths may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="peer", ignore_cleanup_errors=True) as folder:
        yield {
            "data": str(rows.arrays),
            "classes": rows.classes,
            "rates": RATES,
            "epochs": epochs,
            "batch_size": BATCH_SIZE,
            "patience": PATIENCE,
            "folder": folder,
        }
