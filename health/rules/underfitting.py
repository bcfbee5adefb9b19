"""Could the inputs still explain what the network leaves, and is its size what is short?

Lack of fit alone may also be a training that was too short or too slow, which other rules find; so
only a network without a hidden layer, or with a narrow one, is called too small. That a larger one
does better only networks side by side can show: see `health.experiment`.
"""

import math

from health.course import Course
from health.curves import lack_of_fit, loss_left, places, trained
from health.rules.dynamics import is_still_falling
from health.rules.gain import could_gain
from health.rules.network_size import network_size
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict, too_few_epochs
from health.words import percent, remains
from models.findings import Finding

CODE = "underfitting"

# Share of the errors' squares that the inputs still explain. Networks that are large enough were
# found below 0.1, those that a larger one beats mostly above 0.2 (decision 0014).
EXPLAINABLE = 0.12
LEAST_EPOCHS = 3


def check(course: Course) -> Verdict:
    """Judge what is left at the end by what inputs explain of it, and by the narrowest layer."""
    remaining, after = loss_left(course), trained(course)
    if math.isnan(remaining) or not after:
        return NOT_MEASURED
    if len(course.epochs) < LEAST_EPOCHS:
        return too_few_epochs(len(course.epochs), LEAST_EPOCHS)
    if course.stop_reason is None:
        return NotApplicable("It is measured when the training ends.")
    fit, size = lack_of_fit(course), network_size(places(course))
    if fit is None:
        return NotApplicable("What the inputs still explain of the errors was not measured.")
    told = (
        f"The inputs still explain {percent(fit.share)} ± {percent(fit.standard_error)} of the "
        f"errors of the network, {size.told}; {remains(remaining)}."
    )
    # A layer of some units that still learns may be wide enough, and was found so (decision 0014).
    still_learns = not size.is_bottleneck and is_still_falling(course)
    if not size.is_small or still_learns or not could_gain(course, remaining, beyond=EXPLAINABLE):
        return Healthy(told)
    return Found(
        Finding(
            code=CODE,
            severity="problem",
            layer=size.layer,
            first_epoch=after[-1].epoch,
            value=fit.share,
            threshold=EXPLAINABLE,
            evidence=told,
            explanation=size.explanation,
            advice=size.advice,
        ),
        size.repair,
    )
