"""Must all go through a layer of a unit or two, and is it too much for it?

That a larger one does better only networks side by side can show: see `health.experiment`.
"""

import math

from health.course import Course
from health.curves import Place, left, places
from health.repairs.capacity import BOTTLENECK, widen_bottlenecks
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from models.findings import Finding

CODE = "underfitting"

# Of the prior's loss: with less left, it was wide enough.
HARMFUL = 0.3
LEAST_EPOCHS = 3


def check(course: Course) -> Verdict:
    """Judge the narrowest hidden layer by what is left of the loss."""
    remaining = left(course)
    if math.isnan(remaining):
        return NOT_MEASURED
    if len(course.epochs) < LEAST_EPOCHS:
        return NotApplicable(f"It takes {LEAST_EPOCHS} epochs, and there are {len(course.epochs)}.")
    hidden = [(units, place) for place in places(course) if (units := _units(place))]
    if not hidden:
        return NotApplicable("There is no hidden layer.")
    units, narrowest = min(hidden, key=lambda each: each[0])
    told = (
        f"The narrowest hidden layer, {narrowest.name}, has {units} "
        f"{'unit' if units == 1 else 'units'}, and {remaining:.0%} of the loss of knowing nothing "
        "is left"
    )
    if units > BOTTLENECK or remaining <= HARMFUL:
        return Healthy(f"{told}.")
    return Found(
        Finding(
            code=CODE,
            severity="problem",
            layer=narrowest.name,
            first_epoch=0,
            value=float(units),
            threshold=float(BOTTLENECK),
            evidence=f"{told}.",
            explanation="All that the layers behind it learn of a row has to go through so few "
            "numbers.",
            advice="Give that layer as many units as its neighbours.",
        ),
        widen_bottlenecks,
    )


def _units(place: Place) -> int:
    if place.is_output:
        return 0
    return int(getattr(place.layer, "units", 0) or getattr(place.layer, "filters", 0) or 0)
