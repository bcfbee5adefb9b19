"""How a training moved, epoch by epoch, and what it still has to learn: as several rules ask."""

from itertools import pairwise

from health.course import Course
from health.curves import loss_left, recent_fall, trained
from health.words import part

# Epochs, before which a curve has no shape.
LEAST_EPOCHS = 10

# Share of the prior's loss. A training of which the second half of the epochs brought more is still
# learning. Measured for few epochs, where four times as many were seldom better with less, and for
# low rates (decision 0013).
STILL_FALLING = 0.05

# What inputs explain of errors that are noise, at most: share of the squares, and standard errors.
EXPLAINED = 0.05
STANDARD_ERRORS = 2.0
# Of the prior's loss: with more left, a network that is far off may have errors that look so.
LEARNED = 0.5

# Units of a layer and of the one before it, up to which its update says nothing: single weights
# that begin near 0 come to many times their size at any rate.
SINGLE_UNITS = 2


def is_still_falling(course: Course) -> bool:
    """Whether the last epoch is the best, and the second half of the epochs brought much."""
    return recent_fall(course) > STILL_FALLING


def only_noise_is_left(course: Course) -> bool:
    """Whether a network has learned all that its inputs tell, however it came to that.

    The inputs explain nothing of its errors beyond their noise, and it is well below the prior's
    loss. Of a noisy target more cannot be learned, at whatever rate (decision 0012).
    """
    after = trained(course)
    fit = after[-1].lack_of_fit if after else None
    if fit is None or fit.share > min(EXPLAINED, STANDARD_ERRORS * fit.standard_error):
        return False
    return loss_left(course, "last") <= LEARNED


def share_rising(losses: tuple[float, ...]) -> float:
    """Share of the epochs from the second on in which the loss is higher than before."""
    steps = [later > earlier for earlier, later in pairwise(losses)]
    return sum(steps) / len(steps) if steps else 0.0


def largest_updates(course: Course) -> list[float]:
    """Of each measurement the layer that moved most, but for those of single weights."""
    found = []
    for measurement in trained(course):
        ratios, units = [], SINGLE_UNITS + 1
        for layer in measurement.layers:
            before, units = units, layer.units or units
            if layer.update_ratio is not None and max(before, units) > SINGLE_UNITS:
                ratios.append(layer.update_ratio)
        if ratios:
            found.append(max(ratios))
    return found


def of_size(ratio: float) -> str:
    """How far weights came."""
    return part(ratio, "their size")
