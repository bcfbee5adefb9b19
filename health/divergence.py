"""Did the training diverge? The one question that curves alone answer.

Pure: losses in, a finding out. The trainer measures them; nothing here trains or reads.
"""

import math
from collections.abc import Sequence

from models.findings import Finding

# A loss that ends above so many times that of the untrained network has run away. What
# merely learns badly stays near it; what explodes is far beyond it within an epoch.
TIMES_INITIAL = 10.0

EXPLANATION = "Every step overshot further than the one before, so nothing was learned."
ADVICE = "Try a learning rate ten times smaller, and inputs scaled to about unit variance."


def judge(initial: float, losses: Sequence[float]) -> Finding | None:
    """Judge a training that is over.

    It diverged when a loss is not finite, or when the last one is above TIMES_INITIAL times the
    untrained network's. The last one: a loss that shot up and came back is no divergence. The
    second rule holds only for losses that start above zero, as some (cosine similarity) do not.

    Args:
        initial: loss of the untrained network on a probe of the training rows.
        losses: training loss of the epochs 1, 2, …
    """
    for epoch, loss in enumerate(losses, start=1):
        if not math.isfinite(loss):
            return _finding(
                epoch, None, None, f"The loss was {loss} in epoch {epoch}; it began at {initial:g}."
            )
    if not losses or not math.isfinite(initial) or initial <= 0:
        return None
    times = losses[-1] / initial
    if times <= TIMES_INITIAL:
        return None
    first = next(
        epoch for epoch, loss in enumerate(losses, start=1) if loss > TIMES_INITIAL * initial
    )
    evidence = f"The loss ended at {losses[-1]:g}, {times:.3g} times the {initial:g} it began at."
    return _finding(first, times, TIMES_INITIAL, evidence)


def _finding(epoch: int, value: float | None, threshold: float | None, evidence: str) -> Finding:
    return Finding(
        code="diverged",
        severity="problem",
        first_epoch=epoch,
        value=value,
        threshold=threshold,
        evidence=evidence,
        explanation=EXPLANATION,
        advice=ADVICE,
    )
