"""Have ReLU units died? One that puts out nothing for any row has no gradient, so it stays so."""

from health.course import Course
from health.curves import loss_left, measured, trained
from health.repairs.capacity import widen_bottlenecks
from health.repairs.layers import reinitialize_ill_drawn, use_activation
from health.repairs.repair import together
from health.rules.gain import only_noise_is_left
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import percent, remains
from models.findings import Finding
from models.measurements import Measurement

CODE = "dead_neurons"

# Shares of a layer's ReLU units that put out at most 1e-7 for every row of the probe. A share of
# zeros says nothing: each row leaves many units of a healthy network at zero, others each time.
WARNING = 0.25
PROBLEM = 0.5  # also Amazon SageMaker Debugger's default for its DeadRelu rule
# Of the prior's loss. A network that learned more than this has units to spare.
HARMFUL = 0.5
# With fewer than half of them dead, it takes a network that learned hardly anything.
VERY_HARMFUL = 0.9


def check(course: Course) -> Verdict:
    """Judge the layer with most dead units at the last measurement."""
    after = trained(course)
    if not after:
        return NOT_MEASURED
    last = after[-1]
    shares = [
        (layer.dead, place.name)
        for place, layer in measured(course, last)
        if layer.dead is not None
    ]
    if not shares:
        return NotApplicable("No hidden layer has ReLU units of its own.")
    share, name = max(shares, key=lambda each: each[0])
    if share < WARNING:
        return Healthy(f"At most {percent(share)} of a layer's units are dead.")
    remaining = loss_left(course)
    harmful = remaining > (HARMFUL if share >= PROBLEM else VERY_HARMFUL)
    if not harmful or only_noise_is_left(course):
        return Healthy(
            f"{percent(share)} of {name}'s units are dead, which does no harm that shows: "
            f"{remains(remaining)}."
        )
    at_start = _share(course.measurements[0], name)
    first = next(
        each.epoch for each in course.measurements if _share(each, name) >= min(share, PROBLEM)
    )
    return Found(
        Finding(
            code=CODE,
            severity="problem" if share >= PROBLEM else "warning",
            layer=name,
            first_epoch=first,
            value=share,
            threshold=WARNING if share < PROBLEM else PROBLEM,
            evidence=f"{percent(share)} of the units of {name} put out nothing for any of "
            f"{last.rows:,} rows; before training it was {percent(at_start)}.",
            explanation="A ReLU unit whose input is negative for every row has no gradient, so no "
            "step brings it back: the layer is as good as smaller, or gone.",
            advice="Begin with biases of 0 and weights drawn to the layer's size, and use "
            "leaky_relu, which keeps a slope below 0.",
        ),
        together(
            reinitialize_ill_drawn,
            use_activation("leaky_relu", frozenset(_dying(course, last))),
            widen_bottlenecks,  # behind one ReLU unit, all with a negative weight are dead
        ),
    )


def _dying(course: Course, last: Measurement) -> list[str]:
    return [
        place.name
        for place, layer in measured(course, last)
        if layer.dead is not None and layer.dead >= WARNING
    ]


def _share(measurement: Measurement, name: str) -> float:
    return next((each.dead or 0.0 for each in measurement.layers if each.layer == name), 0.0)
