"""The targets of the probe: what knowing nothing costs, and how well classes are recognised."""

import math

import numpy as np
from numpy.typing import NDArray

from models.specs.losses import AnyLoss
from worker.trainer.gauge import Reading
from worker.trainer.prior import prior
from worker.trainer.reported import reported


class Targets:
    """The targets of the probe's rows.

    Args:
        spec: resolved.
        y: as the loss wants them, (rows,) or (rows, outputs).

    Attributes:
        prior: the loss of the best constant prediction.
        minority: the share of the rarest class that is there; None for a regression, and of a
            single class.
    """

    def __init__(self, spec: AnyLoss, y: NDArray[np.generic]) -> None:
        self._threshold = 0.5 if spec.of_probabilities else 0.0
        self._encoding = spec.encoding
        self._codes = _codes(spec, y)
        self.prior = reported(prior(spec, y))
        self.minority: float | None = None
        self._rarest = 0
        if self._codes is not None:
            classes, counts = np.unique(self._codes, return_counts=True)
            if len(classes) > 1:
                self._rarest = int(classes[counts.argmin()])
                self.minority = reported(counts.min() / len(y))

    def recognised(self, reading: Reading) -> tuple[float | None, float | None]:
        """The share of the class that the network says most often, and the recall of the rarest."""
        outputs = reading.outputs
        if self._codes is None or not len(outputs) or not math.isfinite(reading.loss):
            return None, None
        binary = self._encoding == "binary"
        said = (
            (outputs[:, 0] > self._threshold).astype(np.int64) if binary else outputs.argmax(axis=1)
        )
        commonest = reported(np.bincount(said).max() / len(said))
        if self.minority is None:
            return commonest, None
        return commonest, reported(
            float((said[self._codes == self._rarest] == self._rarest).mean())
        )


def _codes(spec: AnyLoss, y: NDArray[np.generic]) -> NDArray[np.int64] | None:
    """The class of each row; None for a regression."""
    match spec.encoding:
        case "number":
            return None
        case "one_hot":
            return np.asarray(y.argmax(axis=1), np.int64)
        case _:
            return y.reshape(-1).astype(np.int64)
