"""Are tanh and sigmoid units on their flat ends? There a unit passes hardly any gradient on."""

from health.course import Course
from health.curves import loss_left, measured
from health.repairs.layers import reinitialize_ill_drawn
from health.rules.gain import is_lacking
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import percent, remains
from models.findings import Finding, Severity
from models.measurements import Measurement

CODE = "saturated_neurons"

# Share of a layer's units that are on a flat end (tanh beyond 3, sigmoid beyond 4.6, where the
# slope is below 0.01) for more than 95 % of the rows.
SHARE = 0.5
# Of the prior's loss: with less left at the end, units that went to a flat end did no harm.
HARMFUL = 0.5
# The same of units that began there, unless much can still be explained.
HARMLESS = 0.1


def check(course: Course) -> Verdict:
    """Judge the most saturated hidden layer, at the start and at the end."""
    if not course.measurements:
        return NOT_MEASURED
    at = [(each, found) for each in course.measurements if (found := _worst(course, each))]
    if not at:
        return NotApplicable("No hidden layer has tanh or sigmoid units.")
    (start, (begun, name)), (end, (ended, at_end)) = at[0], at[-1]
    if begun < SHARE and ended < SHARE:
        return Healthy(f"At most {percent(max(begun, ended))} of a layer's units are saturated.")
    remaining = loss_left(course)
    from_start = start.epoch == 0 and begun >= SHARE
    if remaining <= HARMFUL and not from_start:
        return Healthy(
            f"{percent(ended)} of {at_end}'s units are saturated, and {remains(remaining)}."
        )
    share, layer = (begun, name) if from_start else (ended, at_end)
    return Found(
        Finding(
            code=CODE,
            severity=_severity(course),
            layer=layer,
            first_epoch=next(each.epoch for each, found in at if found[0] >= SHARE),
            value=share,
            threshold=SHARE,
            evidence=f"{percent(share)} of the units of {layer} are on a flat end for nearly all "
            f"rows{' before training' if from_start else f' at epoch {end.epoch}'}.",
            explanation="On its flat end a unit says the same of all rows and passes no gradient "
            "on.",
            advice="Draw initial weights to the layer's size (glorot_uniform), and begin with "
            "biases of 0.",
        ),
        reinitialize_ill_drawn,
    )


def _severity(course: Course) -> Severity:
    if not loss_left(course) <= HARMFUL:  # nor known
        return "problem"
    return "warning" if loss_left(course) > HARMLESS or is_lacking(course) else "info"


def _worst(course: Course, measurement: Measurement) -> tuple[float, str] | None:
    shares = [
        (layer.saturated, place.name)
        for place, layer in measured(course, measurement)
        if layer.saturated is not None
    ]
    return max(shares, default=None)
