"""How a training moved, epoch by epoch, and what it still has to learn: as several rules ask."""

import math
from itertools import pairwise

from health.course import Course
from health.curves import explained, loss_left, recent_fall, trained
from health.words import part

# Epochs, before which a curve has no shape.
LEAST_EPOCHS = 10

# Share of the prior's loss. A training of which the second half of the epochs brought more is still
# learning. Measured for few epochs, where four times as many were seldom better with less, and for
# low rates (decision 0016).
STILL_FALLING = 0.05

# What inputs explain of errors that are noise, at most: share of their squares.
NOISE = 0.05
# Of the prior's loss: with more left, a classification may have errors that look so, a few rows of
# which it is sure and wrong. A squared error has none that cost so much.
LEARNED = 0.5

# What inputs explain where a training is far from what it could learn, at least: share of the
# errors' squares, and standard errors (decision 0015).
LACKING = 0.25
STANDARD_ERRORS = 2.0
# What that is of the prior's loss, at least.
WORTHWHILE = 0.01
# Times the best loss: a last epoch that left more says nothing of how far the best one came.
RELAPSED = 3.0

# Units of a layer and of the one before it, or inputs, up to which its update says nothing: single
# weights that begin near 0 come to many times their size at any rate.
SINGLE_UNITS = 2


def is_still_falling(course: Course) -> bool:
    """Whether the last epoch is the best, and the second half of the epochs brought much."""
    return recent_fall(course) > STILL_FALLING


def only_noise_is_left(course: Course) -> bool:
    """Whether a network has learned all that its inputs tell, however it came to that.

    The inputs explain hardly any of its errors, and it is well below the prior's loss. Of a noisy
    target more cannot be learned, at whatever rate (decisions 0012 and 0015).
    """
    of_numbers = course.facts.classes is None
    return explained(course) <= NOISE and (of_numbers or loss_left(course, "last") <= LEARNED)


def is_lacking(course: Course) -> bool:
    """Whether the inputs still explain much of the errors, however little is left of the loss.

    Of a squared error what they explain, times what is left, is what could still be gained. A
    target that is nearly known leaves a small share of the prior's loss to any network, and a
    training may be several times as bad as another all the same (decision 0015).
    """
    after = trained(course)
    fit = after[-1].lack_of_fit if after else None
    if fit is None or fit.share <= max(LACKING, STANDARD_ERRORS * fit.standard_error):
        return False
    last = loss_left(course, "last")
    kept = loss_left(course) if course.hands_out_best else last
    return fit.share * kept > WORTHWHILE and last <= RELAPSED * kept


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
