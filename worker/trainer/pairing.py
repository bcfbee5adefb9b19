"""Compares the same validation rows at two epochs, which tells a change from the noise of rows."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.measurements import PairedLosses


@dataclass(frozen=True, slots=True)
class RowsAt:
    """What each of some validation rows cost at an epoch.

    Attributes:
        epoch: 0 is before training.
        losses: little-endian float32; none without validation rows.
    """

    epoch: int
    losses: bytes

    @property
    def mean(self) -> float:
        """NaN without rows."""
        return float(self.values.mean(dtype=np.float64)) if self.losses else math.nan

    @property
    def values(self) -> NDArray[np.float32]:
        """The losses, (rows,)."""
        return np.frombuffer(self.losses, "<f4")

    def since(self, earlier: "RowsAt") -> PairedLosses | None:
        """What it is against an earlier epoch; None without rows, or when that is not finite."""
        if not self.losses or len(self.losses) != len(earlier.losses):
            return None
        differences = self.values.astype(np.float64) - earlier.values
        if not np.isfinite(differences).all():
            return None
        rows = len(differences)
        error = float(differences.std(ddof=1)) / math.sqrt(rows) if rows > 1 else None
        return PairedLosses(
            since=earlier.epoch, mean=float(differences.mean()), standard_error=error, rows=rows
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """The measurements that the next one is compared with.

    Attributes:
        last: the one before.
        best: the one with the lowest mean.
    """

    last: RowsAt
    best: RowsAt

    def followed_by(self, now: RowsAt) -> "Measured":
        """After another measurement."""
        better = now.mean < self.best.mean or not math.isfinite(self.best.mean)
        return Measured(last=now, best=now if better else self.best)
