"""Computes the losses of validation rows by downloaded networks, with plain Keras.

Started with a JSON file of jobs, knows nothing of epochd but what is written in its networks.
"""

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

# As Keras's own cross-entropies bound a probability.
LEAST_PROBABILITY = 1e-7
# Of a target in standard deviations: four of them, and what a cross-entropy comes to at that
# probability. One row that is thrown far off would speak for all the others.
LARGEST_SQUARED_ERROR = 16.0


def main() -> None:
    """For each job write the losses of its rows, (rows,), beside its network."""
    for job in json.loads(Path(sys.argv[1]).read_text()):
        with np.load(job["rows"]) as rows:
            losses = row_losses(Path(job["network"]), rows["x"], rows["y"], job["classes"])
        np.save(job["losses"], losses)
        print(job["network"], flush=True)


def row_losses(
    path: Path, x: NDArray[Any], y: NDArray[Any], classes: list[str] | None
) -> NDArray[np.float64]:
    """Cross-entropy where there are classes, else the squared error; both bounded.

    Args:
        path: of the network, which takes rows as measured.
        x: (rows, columns).
        y: (rows,), numbers of `classes`, or the numbers to predict.
        classes: their names.
    """
    network = keras.saving.load_model(path, compile=False)
    found = np.asarray(network(x.astype(np.float32)), np.float64)
    if classes is None:
        return np.asarray(np.minimum((found[:, 0] - y) ** 2, LARGEST_SQUARED_ERROR))
    if found.shape[1] == 1:
        found = np.hstack((1 - found, found))
    with zipfile.ZipFile(path) as archive:
        order = json.loads(archive.read("epochd.json"))["classes"]
    columns = [order.index(classes[int(number)]) for number in y]
    chances = found[np.arange(len(y)), columns] / found.sum(axis=1)
    return np.asarray(-np.log(np.clip(chances, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)))


if __name__ == "__main__":
    main()
