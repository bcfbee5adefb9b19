"""Is the network any better than one that looks at no input?"""

import math

from health.course import Course
from health.curves import left, prior, trained
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from models.findings import Finding

CODE = "learned_nothing"

# Of the prior's loss.
WITHIN = 0.02
LEAST_EPOCHS = 3
# Share of the rows that are given one class.
ONE_CLASS = 1.0
# Share of the commonest class, above which one class for all may be the best answer there is.
CERTAIN = 0.9


def check(course: Course) -> Verdict:
    """Judge the best training loss that was measured, and what the last epoch's network says."""
    after = trained(course)
    if not after:
        return NOT_MEASURED
    if len(course.epochs) < LEAST_EPOCHS:
        return NotApplicable(f"It takes {LEAST_EPOCHS} epochs, and there are {len(course.epochs)}.")
    constant = prior(course)
    losses = [each.loss for each in after if each.loss is not None]
    if math.isnan(constant):
        return NotApplicable("The loss of knowing nothing is not known.")
    best = min(losses, default=math.inf)
    one_class = after[-1].commonest is not None and after[-1].commonest >= ONE_CLASS
    told = (
        f"The training loss came to {best:.4g} at best, where knowing nothing costs {constant:.4g}"
    )
    if best < constant - WITHIN * abs(constant) and not (one_class and left(course) > 1 - WITHIN):
        return Healthy(f"{told}.")
    return Found(
        Finding(
            code=CODE,
            severity="problem",
            first_epoch=after[-1].epoch,
            value=best / constant if constant > 0 and math.isfinite(best) else None,
            threshold=1 - WITHIN,
            evidence=f"{told}" + (", and all rows are given one class." if one_class else "."),
            explanation="The network does no better than the same answer for every row.",
            advice="Look for the cause among the other findings; where there is none, the columns "
            "may say nothing of the target.",
        ),
    )
