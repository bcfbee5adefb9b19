"""Do signals and gradients shrink to nothing, or grow beyond all bounds, from layer to layer?"""

import math

from health.course import Course
from health.curves import Place, before_training, initial_loss, left, measured, prior
from health.repairs.layers import reinitialize, use_relu
from health.repairs.normalization import add_batch_normalization
from health.repairs.repair import otherwise, together
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import number, percent, remains
from models.findings import Finding
from models.measurements import LayerMeasurement, Measurement

VANISHING = "vanishing_gradients"
EXPLODING = "exploding_gradients"

# Norm of the first layer's gradient over that of the last's, and by itself.
RATIO = 1e-3
SMALL = 1e-3
# Of the prior's loss: below it the network has learned, and gradients are small at a minimum.
CONVERGED = 0.5
# Share of a layer: gradients that end at dead units are not a matter of depth.
MOSTLY_DEAD = 0.5

# Root mean square of initial weights over that of He's initializer for the same layer: with more,
# what a layer puts out is so many times what it takes in.
TIMES_HE = 5.0
# Initial loss over the prior's: a relative error above 1.
TIMES_PRIOR = 2.0


def check_vanishing(course: Course) -> Verdict:
    """Judge the gradients of the untrained network, and of most that were measured later."""
    if not course.measurements:
        return NOT_MEASURED
    remaining = left(course)
    if remaining <= CONVERGED:
        return Healthy(
            f"{percent(remaining)} of the loss of knowing nothing is left: gradients reached "
            "the first layer."
        )
    seen = [(each, found) for each in course.measurements if (found := _ends(course, each))]
    if not seen:
        return NotApplicable("There are no two layers with gradients to compare, or most are dead.")
    small = [(each, *ends) for each, ends in seen if _vanishes(*ends)]
    at_start = bool(small) and small[0][0].epoch == 0
    if not at_start and 2 * len(small) < len(seen):
        ends = seen[-1][1]
        return Healthy(
            f"The gradient of {ends[0][0]} is {number(ends[0][1])}, that of {ends[1][0]} "
            f"{number(ends[1][1])}."
        )
    measurement, (name, first), (other, last) = small[0]
    return Found(
        Finding(
            code=VANISHING,
            severity="problem",
            layer=name,
            first_epoch=measurement.epoch,
            value=first / last if last else 0.0,
            threshold=RATIO,
            evidence=f"The gradient of {name} is {number(first)}, that of {other} {number(last)}; "
            f"{remains(remaining)}.",
            explanation="Each layer passes on a part of the gradient that it gets, so the first "
            "ones hardly learn.",
            advice="Use relu with He's initial weights in the hidden layers, or fewer layers, or "
            "BatchNormalization between them.",
        ),
        # What is left where both are there already are constraints, penalties and depth.
        otherwise(together(use_relu, reinitialize), add_batch_normalization),
    )


def check_exploding(course: Course) -> Verdict:
    """Judge the initial weights and what the untrained network says."""
    first = before_training(course)
    if first is None:
        return NOT_MEASURED
    ratios = [
        (times, place.name)
        for place, layer in measured(course, first, hidden=False)
        if math.isfinite(times := _times_he(place, layer))
    ]
    if not ratios:
        return NotApplicable("No layer's initial weights can be compared with He's.")
    times, name = max(ratios)
    initial, constant = initial_loss(course), prior(course)
    if times <= TIMES_HE:
        return Healthy(
            f"Initial weights are at most {number(times)} times those of He's initializer."
        )
    if math.isfinite(initial) and not initial > TIMES_PRIOR * constant:
        return Healthy(
            f"Initial weights of {name} are {number(times)} times those of He's initializer, and "
            f"the loss began at {number(initial)}, not far from the {number(constant)} of knowing "
            "nothing."
        )
    return Found(
        Finding(
            code=EXPLODING,
            severity="problem",
            layer=name,
            first_epoch=0,
            value=times,
            threshold=TIMES_HE,
            evidence=f"The initial weights of {name} are {number(times)} times as large as "
            f"He's initializer draws them, and the untrained network's loss is {number(initial)}, "
            f"where knowing nothing costs {number(constant)}.",
            explanation="Each such layer puts out so many times what it takes in, and gradients "
            "grow by as much on their way back.",
            advice="Draw initial weights to the layer's size: he_normal for relu and its kin, "
            "glorot_uniform otherwise.",
        ),
        reinitialize,
    )


_End = tuple[str, float]


def _ends(course: Course, measurement: Measurement) -> tuple[_End, _End] | None:
    """The first and the last layer with a gradient; None without two, or with dead ones between."""
    found = [
        (place.name, layer.kernel_gradient)
        for place, layer in measured(course, measurement, hidden=False)
        if layer.kernel_gradient is not None and math.isfinite(layer.kernel_gradient)
    ]
    dead = any((layer.dead or 0.0) >= MOSTLY_DEAD for layer in measurement.layers)
    return (found[0], found[-1]) if len(found) > 1 and not dead else None


def _vanishes(first: _End, last: _End) -> bool:
    return first[1] < SMALL and first[1] < RATIO * last[1]


def _times_he(place: Place, layer: LayerMeasurement) -> float:
    """Root mean square of a Dense layer's weights over the square root of 2 / fan in.

    The norm of n_in x n_out weights of He's is the square root of 2 n_out, whatever n_in is. That
    is so for convolutions too.
    """
    norm = layer.kernel_norm
    if norm is None or not layer.units or not place.layer.has_kernel:
        return math.nan
    return norm / math.sqrt(2 * layer.units)
