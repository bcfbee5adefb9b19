"""How well the network that a capacity search chooses reads digits that nobody trained on."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.figures import Figure
from benchmarks.quality.capacity import against_fixed, size
from benchmarks.quality.concluded import concluded
from benchmarks.service import Service

LEAST, MOST_FITS = 0.975, 20
SEED = 0


def measure(running: Service, folder: Path, *, epochs: int, others: int) -> list[Figure]:
    """A capacity search on the training images, its exported winner on the test images.

    Args:
        running: the service.
        folder: for the network.
        epochs: at most, a training.
        others: splits on which the choice is held against 128-128.
    """
    name = "MNIST"
    path = data.shared("mnist.npz")
    what = f"{name}: test accuracy of capacity's choice, within {MOST_FITS} fits"
    if path is None:
        return [Figure.missing(what, "no mnist.npz", f"{LEAST:.1%}")]
    spec: dict[str, Any] = {
        "data": {"dataset": running.upload(path)},
        "compile": {
            "optimizer": {"optimizer": "Adam", "learning_rate": 0.001},
            "metrics": ["accuracy"],
        },
        "fit": {
            "epochs": epochs,
            "batch_size": 128,
            "validation_split": 0.1,
            "early_stopping": {"patience": 2},
        },
        # Two seeds of six sizes at most, linear to two layers, are 12 fits.
        "search": {"strategy": "capacity", "seeds": 2, "max_depth": 2},
        "seed": SEED,
    }
    search = concluded(running, f"{name}, capacity", spec)
    network = folder / "winner.keras"
    answer = running.client.get(f"/experiments/{search.experiment}/network")
    network.write_bytes(answer.raise_for_status().content)
    accuracy = _test_accuracy(network, path)
    return [
        Figure(
            what,
            f"{accuracy:.2%} with {size(search.winner.setting)}; {search.fits} fits, "
            f"{search.epochs} epochs, {search.seconds:.0f} s",
            f"{LEAST:.1%}",
            accuracy >= LEAST and search.fits <= MOST_FITS,
        ),
        against_fixed(running, name, spec, search, splits=others),
    ]


def _test_accuracy(network: Path, images: Path) -> float:
    """By plain Keras in a process of its own, as whoever downloads the network would do it."""
    command = [sys.executable, "-m", "benchmarks.quality.predict", str(network), str(images)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return float(done.stdout.splitlines()[-1])
