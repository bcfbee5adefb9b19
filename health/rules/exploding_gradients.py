"""Are the initial weights so large that signals and gradients grow from layer to layer?"""

import math

from health.course import Course
from health.curves import Place, before_training, initial_loss, measured, prior
from health.repairs.layers import reinitialize_ill_drawn
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import number
from models.findings import Finding
from models.measurements import LayerMeasurement

CODE = "exploding_gradients"

# Root mean square of initial weights over that of He's initializer for the same layer: with more,
# what a layer puts out is so many times what it takes in.
TIMES_HE = 5.0
# Initial loss over the prior's: a relative error above 1.
TIMES_PRIOR = 2.0


def check(course: Course) -> Verdict:
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
            code=CODE,
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
            advice="Draw initial weights to the layer's size: glorot_uniform, Keras's default, or "
            "he_normal for relu and its kin in a deep network.",
        ),
        reinitialize_ill_drawn,
    )


def _times_he(place: Place, layer: LayerMeasurement) -> float:
    """Root mean square of a Dense layer's weights over the square root of 2 / fan in.

    The norm of n_in x n_out weights of He's is the square root of 2 n_out, whatever n_in is. That
    is so for convolutions too.
    """
    norm = layer.kernel_norm
    if norm is None or not layer.units or not place.layer.has_kernel:
        return math.nan
    return norm / math.sqrt(2 * layer.units)
