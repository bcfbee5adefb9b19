"""The metrics of trials epoch by epoch, and what several repeats show together."""

from collections.abc import Mapping, Sequence
from statistics import fmean

Curves = Mapping[int, Sequence[Mapping[str, float | None]]]
"""Trial number -> the metrics of its epochs 1, 2, …"""


def mean_curves(
    repeats: Sequence[Sequence[Mapping[str, float | None]]], longest: int
) -> dict[str, tuple[float | None, ...]]:
    """At each epoch the mean over the repeats that trained it; None where none has a number."""
    names = sorted({name for epochs in repeats for metrics in epochs for name in metrics})

    def mean_at(name: str, epoch: int) -> float | None:
        values = [epochs[epoch].get(name) for epochs in repeats if epoch < len(epochs)]
        present = [value for value in values if value is not None]
        return fmean(present) if present else None

    return {name: tuple(mean_at(name, epoch) for epoch in range(longest)) for name in names}
