"""Are the inputs of about unit scale? Initial weights are drawn for inputs that are."""

import math

from health.course import Course
from health.curves import before_training, initial_loss, loss_left, places, prior
from health.repairs.data import scale_inputs
from health.rules.gain import only_noise_is_left
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import number
from models.findings import Finding, Severity

CODE = "inputs_not_scaled"

# |x|. Of inputs with unit variance one in 10^23 is beyond it, if they are normal.
LARGEST_INPUT = 10.0
# Of a few thousand inputs with unit variance hardly one is beyond it.
NORMAL_INPUT = 3.5
# Share of the prior's loss: a network with less left has learned in spite of its inputs.
HARMLESS = 0.3
# (loss - prior) / prior of the untrained network: it is surer of what it says than knowing nothing
# allows.
INITIAL_ERROR = 1.0

_SCALING_LAYERS = {"BatchNormalization", "LayerNormalization", "Rescaling"}


def check(course: Course) -> Verdict:
    """Judge the largest input and the initial loss, where neither spec nor network scales.

    An outlier among scaled columns is larger than LARGEST_INPUT as well, and does no such harm.
    """
    first = before_training(course) or next(iter(course.measurements), None)
    if first is None or first.largest_input is None:
        return NOT_MEASURED
    largest, scaling = first.largest_input, course.trial.data.scaling
    if scaling != "none":
        return Healthy(f"The inputs are scaled; the largest is {number(largest)}.")
    if _scales_itself(course):
        return NotApplicable("The network scales its inputs itself.")
    error = (initial_loss(course) - prior(course)) / (abs(prior(course)) or math.nan)
    if largest <= LARGEST_INPUT and not (error > INITIAL_ERROR and largest > NORMAL_INPUT):
        return Healthy(f"The largest input is {number(largest)}, of about unit scale.")
    untrained = (
        f", and the untrained network's loss is {number(initial_loss(course))}, where knowing "
        f"nothing of the inputs costs {number(prior(course))}"
        if error > INITIAL_ERROR
        else ""
    )
    return Found(
        Finding(
            code=CODE,
            severity=_severity(course, error),
            first_epoch=0,
            value=largest,
            threshold=LARGEST_INPUT,
            evidence=f"The largest input is {number(largest, 4)}{untrained}.",
            explanation="Columns with large numbers drown the others, and each step overshoots for "
            "some weights while it is too small for others.",
            advice='Scale the inputs: "scaling": "standard" brings each column to zero mean and '
            "unit variance, and the exported network does it too.",
        ),
        scale_inputs,
    )


def _severity(course: Course, error: float) -> Severity:
    if loss_left(course) <= HARMLESS or only_noise_is_left(course):
        return "info"
    return "problem" if error > INITIAL_ERROR else "warning"


def _scales_itself(course: Course) -> bool:
    for place in places(course):
        if place.layer.keras_name in _SCALING_LAYERS:
            return True
        if place.layer.has_kernel:
            return False
    return False
