"""Did the loss run away? The trainer asks, which exports no such network, and so does the judge.

Whether it did is the trainer's word: it compares with a loss that has the penalties in it, which it
knows also where nothing is measured. At the end the rule only says what it came to.
"""

import math
from collections.abc import Sequence

from health.course import Course
from health.curves import curve, initial_loss
from health.repairs.rates import stop_divergence
from health.verdict import NO_EPOCHS, Found, Healthy, Verdict
from health.words import number
from models.findings import Finding
from models.lifecycle import StopReason

CODE = "diverged"

# A loss that ends above so many times that of the untrained network has run away. What
# merely learns badly stays near it; what explodes is far beyond it within an epoch.
TIMES_INITIAL = 10.0


def check(course: Course) -> Verdict:
    """Judge a training under way as the trainer will, and one that is over as it did."""
    losses = curve(course, "loss")
    if not losses:
        return NO_EPOCHS
    finding = judge(initial_loss(course), losses)
    if course.stop_reason is StopReason.DIVERGED:
        # Without a finding here the trainer saw it by a number that was not kept.
        return Found(finding or _ended_above(losses, None), stop_divergence)
    if finding is None or course.stop_reason is not None:
        return Healthy(f"The loss is finite and ended at {number(losses[-1])}.")
    return Found(finding, stop_divergence)


def judge(initial: float, losses: Sequence[float]) -> Finding | None:
    """Judge the curve alone.

    It diverged when a loss is not finite, or when the last one is above TIMES_INITIAL times the
    untrained network's. The last one: a loss that shot up and came back is no divergence. The
    second rule holds only for losses that start above zero, as some (cosine similarity) do not.

    Args:
        initial: loss of the untrained network on some training rows; NaN where it is not known.
        losses: training loss of the epochs 1, 2, …
    """
    for epoch, loss in enumerate(losses, start=1):
        if not math.isfinite(loss):
            began = f"; it began at {number(initial)}" if math.isfinite(initial) else ""
            return _finding(epoch, f"The loss was {loss} in epoch {epoch}{began}.")
    if not losses or not initial > 0 or not losses[-1] > TIMES_INITIAL * initial:
        return None
    return _ended_above(losses, initial)


def _ended_above(losses: Sequence[float], initial: float | None) -> Finding:
    if initial is None:
        above = f"more than {number(TIMES_INITIAL)} times what it began at"
        evidence = f"The loss ended at {number(losses[-1])}, {above}."
        return _finding(len(losses), evidence, threshold=TIMES_INITIAL)
    times = losses[-1] / initial
    first = next(n for n, loss in enumerate(losses, start=1) if loss > TIMES_INITIAL * initial)
    above = f"{number(times)} times the {number(initial)} it began at"
    evidence = f"The loss ended at {number(losses[-1])}, {above}."
    return _finding(first, evidence, value=times, threshold=TIMES_INITIAL)


def _finding(
    epoch: int, evidence: str, *, value: float | None = None, threshold: float | None = None
) -> Finding:
    return Finding(
        code=CODE,
        severity="problem",
        first_epoch=epoch,
        value=value,
        threshold=threshold,
        evidence=evidence,
        explanation="Every step overshot further than the one before, so nothing was learned.",
        advice="Try a learning rate ten times smaller, and inputs scaled to about unit variance.",
    )
