"""Is the learning rate too low or too high? The shape of the curves and the updates say it."""

import math
from itertools import pairwise
from statistics import median

from health.course import Course
from health.curves import curve, left, trained
from health.repairs import learning_rate
from health.verdict import NO_EPOCHS, NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from models.findings import Finding

TOO_LOW = "learning_rate_too_low"
TOO_HIGH = "learning_rate_too_high"

# Epochs, before which a curve has no shape.
LEAST_EPOCHS = 10

# Share of epochs in which the training loss rises.
RARELY = 0.1
OFTEN = 0.25
# Norm of an epoch's change over that of the weights, in the layer that moved most.
SMALL_UPDATE = 0.02
# Share of the whole fall of the loss that came in the last quarter of the epochs: a straight line
# has 0.25 of it, a curve that has come down about none.
STILL_FALLING = 0.1
# Of the prior's loss.
CONVERGED = 0.1

# Share of a layer's units, of which fewer than WERE_ALIVE were dead before training.
KILLED = 0.9
WERE_ALIVE = 0.5
# Last validation loss over the best.
TIMES_BEST = 1.1


def check_too_low(course: Course) -> Verdict:
    """Judge a training that is over: every epoch a little better, and far from done."""
    if not course.measurements:
        return NOT_MEASURED
    losses = curve(course, "loss")
    if len(losses) < LEAST_EPOCHS:
        return NotApplicable(f"It takes {LEAST_EPOCHS} epochs, and there are {len(losses)}.")
    if not all(map(math.isfinite, losses)):
        return NotApplicable("The loss is not finite.")
    rising = _rising(losses)
    latest = _late_share(losses)
    updates = _updates(course)
    remaining = left(course, "last")
    if not updates:
        return NOT_MEASURED
    typical = median(updates)
    told = (
        f"the loss rose in {rising:.0%} of {len(losses)} epochs, {latest:.0%} of its fall came in "
        f"the last quarter, and an epoch changed the weights by {typical:.2g} of their size"
    )
    slow = (
        rising <= RARELY
        and losses[-1] <= min(losses)
        and latest >= STILL_FALLING
        and typical < SMALL_UPDATE
        and not remaining <= CONVERGED
    )
    if not slow:
        return Healthy(f"{told[0].upper()}{told[1:]}.")
    return Found(
        Finding(
            code=TOO_LOW,
            severity="warning",
            first_epoch=1,
            value=typical,
            threshold=SMALL_UPDATE,
            evidence=f"{told[0].upper()}{told[1:]}; {remaining:.0%} of the loss of knowing nothing "
            "is left.",
            explanation="Each step goes the right way and is far too short, so training ends long "
            "before the network has learned what it can.",
            advice="Try a learning rate ten times higher.",
        ),
        learning_rate(10.0),
    )


def check_too_high(course: Course) -> Verdict:
    """Judge by what is not finite, by units that training killed, and by how the curves jump."""
    losses = curve(course, "loss")
    if not losses:
        return NO_EPOCHS
    validation = curve(course, "val_loss")
    rising = _rising(losses)
    if not math.isfinite(losses[-1]):
        return _too_high(len(losses), None, None, "The loss is no longer finite")
    if (killed := _killed(course)) is not None:
        epoch, share, name = killed
        return _too_high(
            epoch,
            share,
            KILLED,
            f"Training killed {share:.0%} of the units of {name} by epoch {epoch}",
        )
    if len(losses) < LEAST_EPOCHS:
        return NotApplicable(
            f"It takes {LEAST_EPOCHS} epochs or a loss that is not finite; there are {len(losses)}."
        )
    times = _times_best(validation or losses)
    told = f"The loss rose in {rising:.0%} of {len(losses)} epochs and ended at {times:.3g} times "
    told += "its best" if not validation else "the best validation loss"
    if rising >= OFTEN and times > TIMES_BEST:
        return _too_high(1, rising, OFTEN, told)
    return Healthy(f"{told}.")


def _too_high(epoch: int, value: float | None, threshold: float | None, told: str) -> Found:
    return Found(
        Finding(
            code=TOO_HIGH,
            severity="problem",
            first_epoch=epoch,
            value=value,
            threshold=threshold,
            evidence=f"{told}.",
            explanation="Steps are so long that they jump over the minimum they aim at, and may "
            "throw units where they no longer learn.",
            advice="Try a learning rate ten times lower.",
        ),
        learning_rate(0.1),
    )


def _rising(losses: tuple[float, ...]) -> float:
    """Share of the epochs from the second on in which the loss is higher than before."""
    steps = [later > earlier for earlier, later in pairwise(losses)]
    return sum(steps) / len(steps) if steps else 0.0


def _late_share(losses: tuple[float, ...]) -> float:
    """What of the fall of the loss came in the last quarter of the epochs."""
    whole = losses[0] - losses[-1]
    quarter = losses[-1 - max(1, len(losses) // 4)] - losses[-1]
    return quarter / whole if whole > 0 else 0.0


def _updates(course: Course) -> list[float]:
    """Of each measurement the largest of its layers."""
    return [
        max(updates)
        for each in trained(course)
        if (updates := [layer.update for layer in each.layers if layer.update is not None])
    ]


def _times_best(losses: tuple[float, ...]) -> float:
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite or min(finite) <= 0:
        return 1.0
    return losses[-1] / min(finite) if math.isfinite(losses[-1]) else math.inf


def _killed(course: Course) -> tuple[int, float, str] | None:
    """When training had killed KILLED of a layer's units that were alive before it, how many."""
    start = course.measurements[0] if course.measurements else None
    if start is None or start.epoch > 0 or not left(course) > 0:
        return None
    alive = {
        layer.layer for layer in start.layers if layer.dead is not None and layer.dead < WERE_ALIVE
    }
    for measurement in trained(course):
        for layer in measurement.layers:
            if layer.layer in alive and layer.dead is not None and layer.dead >= KILLED:
                return measurement.epoch, layer.dead, layer.layer
    return None
