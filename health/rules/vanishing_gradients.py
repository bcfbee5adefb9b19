"""Does the gradient shrink to nothing on its way to the first layer?"""

import math
from typing import NamedTuple

from health.course import Course
from health.curves import loss_left, measured
from health.repairs.layers import reinitialize, use_relu
from health.repairs.normalization import add_batch_normalization
from health.repairs.repair import otherwise, together
from health.rules.gain import is_lacking
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import number, remains
from models.findings import Finding
from models.measurements import Measurement

CODE = "vanishing_gradients"

# Norm of the first layer's gradient over that of the last's, and by itself (decision 0012).
RATIO = 1e-3
SMALL = 1e-3
# Of the prior's loss: with less left the network has learned, and gradients are small at a minimum.
HARMFUL = 0.5
# Share of a layer: gradients that end at dead units are not a matter of depth.
MOSTLY_DEAD = 0.5


class _Gradient(NamedTuple):
    """The Euclidean norm of a kernel's gradient."""

    layer: str
    norm: float


def check(course: Course) -> Verdict:
    """Found where gradients vanish before training, or in at least half of the measurements."""
    if not course.measurements:
        return NOT_MEASURED
    remaining = loss_left(course)
    if remaining <= HARMFUL and not is_lacking(course):
        return Healthy(f"{remains(remaining)}: gradients reached the first layer.")
    seen = [(each, found) for each in course.measurements if (found := _ends(course, each))]
    if not seen:
        return NotApplicable("There are no two layers with gradients to compare, or most are dead.")
    small = [(each, ends) for each, ends in seen if _vanishes(*ends)]
    at_start = bool(small) and small[0][0].epoch == 0
    if not at_start and 2 * len(small) < len(seen):
        return Healthy(f"{_told(*seen[-1][1])}.")
    measurement, (first, last) = small[0]
    return Found(
        Finding(
            code=CODE,
            severity="problem",
            layer=first.layer,
            first_epoch=measurement.epoch,
            value=first.norm / last.norm if last.norm else 0.0,
            threshold=RATIO,
            evidence=f"{_told(first, last)}; {remains(remaining)}.",
            explanation="Each layer passes on a part of the gradient that it gets, so the first "
            "ones hardly learn.",
            advice="Use relu with He's initial weights in the hidden layers, or fewer layers, or "
            "BatchNormalization between them.",
        ),
        # What is left where both are there already are constraints, penalties and depth.
        otherwise(together(use_relu, reinitialize), add_batch_normalization),
    )


def _ends(course: Course, measurement: Measurement) -> tuple[_Gradient, _Gradient] | None:
    """The first and the last layer with a gradient; None without two, or with dead ones between."""
    found = [
        _Gradient(place.name, layer.kernel_gradient)
        for place, layer in measured(course, measurement, hidden=False)
        if layer.kernel_gradient is not None and math.isfinite(layer.kernel_gradient)
    ]
    dead = any((layer.dead or 0.0) >= MOSTLY_DEAD for layer in measurement.layers)
    return (found[0], found[-1]) if len(found) > 1 and not dead else None


def _vanishes(first: _Gradient, last: _Gradient) -> bool:
    return first.norm < SMALL and first.norm < RATIO * last.norm


def _told(first: _Gradient, last: _Gradient) -> str:
    of_last = f"that of {last.layer} {number(last.norm)}"
    return f"The gradient of {first.layer} is {number(first.norm)}, {of_last}"
