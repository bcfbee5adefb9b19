"""How a training moved, epoch by epoch, as several rules ask."""

import math
from itertools import pairwise

from health.course import Course
from health.curves import recent_fall, trained
from health.words import part

# Epochs, before which a curve has no shape.
LEAST_EPOCHS = 10

# Share of the prior's loss. A training of which the second half of the epochs brought more is still
# learning. Measured for few epochs, where four times as many were seldom better with less, and for
# low rates (decision 0016).
STILL_FALLING = 0.05

# Units of a layer and of the one before it, or inputs, up to which its update says nothing: single
# weights that begin near 0 come to many times their size at any rate.
SINGLE_UNITS = 2


def is_still_falling(course: Course) -> bool:
    """Whether the last epoch is the best, and the second half of the epochs brought much."""
    return recent_fall(course) > STILL_FALLING


def share_rising(losses: tuple[float, ...]) -> float:
    """Share of the epochs from the second on in which the loss is higher than before."""
    steps = [later > earlier for earlier, later in pairwise(losses)]
    return sum(steps) / len(steps) if steps else 0.0


def largest_updates(course: Course) -> list[float]:
    """Of each measurement the layer that moved most, but for those of single weights."""
    found = []
    for measurement in trained(course):
        ratios, units = [], math.prod(course.facts.input_shape)
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
