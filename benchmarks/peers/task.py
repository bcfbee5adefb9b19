"""The task that every peer does: which learning rate is best for this network and these rows?

Here is what is asked, the rows, and the answer; the network stands beside. Nothing of epochd's own
is imported here or by the scripts.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

VALIDATION_SPLIT = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is asked for.

    Attributes:
        data: an .npz file with x and y.
        classes: of y.
        rates: the learning rates.
        epochs: at most.
        batch_size: rows a step.
        patience: epochs without a better val_loss that end a training.
        folder: for whatever a peer writes.
    """

    data: str
    classes: int
    rates: tuple[float, ...]
    epochs: int
    batch_size: int
    patience: int
    folder: str

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Prepared rows: bytes divided by 255, columns scaled by the training rows' deviation."""
        with np.load(self.data) as arrays:
            x, y = arrays["x"], arrays["y"]
        if x.dtype == np.uint8:
            return x.reshape(len(x), -1).astype(np.float32) / 255, y
        training = x[: int(len(x) * (1 - VALIDATION_SPLIT))]
        scaled = (x - training.mean(axis=0)) / training.std(axis=0)
        return scaled.astype(np.float32), y


def asked() -> Task:
    """The task of the command line, as one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", type=json.loads)
    given = parser.parse_args().task
    return Task(**given | {"rates": tuple(given["rates"])})


def answer(*, imported: float, best: float, epochs: Mapping[float, int]) -> None:
    """The last line of a script's output.

    Args:
        imported: `time.monotonic()` when everything was imported.
        best: learning rate.
        epochs: trained with each learning rate.
    """
    print(
        json.dumps(
            {
                "imported": imported,
                "best": best,
                "epochs": sum(epochs.values()),
            }
        )
    )
