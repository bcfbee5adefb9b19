"""Is the network any better than one that looks at no input?"""

import math

from health.course import Course
from health.curves import curve, prior, trained
from health.repairs.normalization import add_batch_normalization_if_deep
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict, too_few_epochs
from health.words import number
from models.findings import Finding

CODE = "learned_nothing"

# Of the prior's loss.
WITHIN = 0.02
LEAST_EPOCHS = 3
# Share of the rows that are given one class.
ONE_CLASS = 1.0


def check(course: Course) -> Verdict:
    """Judge the best loss that was seen, of the probe or of the validation rows."""
    after = trained(course)
    if not after:
        return NOT_MEASURED
    if len(course.epochs) < LEAST_EPOCHS:
        return too_few_epochs(len(course.epochs), LEAST_EPOCHS)
    if course.trial.fit.class_weight is not None:
        return NotApplicable("Classes are weighed, so the plain loss is not what is aimed at.")
    constant = prior(course)
    if math.isnan(constant):
        return NotApplicable("The loss of knowing nothing is not known.")
    losses = (*(each.loss for each in after), *curve(course, "val_loss"))
    best = min((each for each in losses if each is not None and each < math.inf), default=math.inf)
    one_class = after[-1].commonest is not None and after[-1].commonest >= ONE_CLASS
    came = f"came to {number(best, 4)} at best" if best < math.inf else "was never finite"
    told = f"The loss {came}, where knowing nothing costs {number(constant, 4)}"
    if best < constant - WITHIN * abs(constant):
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
            "may say nothing of the target. In a deep network BatchNormalization keeps the signal.",
        ),
        add_batch_normalization_if_deep,  # decision 0013
    )
