"""Does validation swing from epoch to epoch by more than its rows' own noise?"""

from statistics import mean

from health.course import Course
from health.curves import curve, prior
from health.repairs.fit import keep_best_weights
from health.repairs.rates import lower_learning_rate
from health.verdict import NO_VALIDATION, NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import number, percent
from models.findings import Finding
from models.measurements import PairedLosses

CODE = "oscillating"

# Paired standard errors: one in 20 differences is beyond so many by the noise of the rows.
STANDARD_ERRORS = 2.0
# Of the measurements that count: in so many the loss jumps up or down, half of them each way at
# least.
SHARE = 0.2
# Of the run, that a training has for settling.
SETTLING = 0.3
# Mean size of the swings, as a share of the prior's loss. Smaller ones are in every training at a
# rate that learns fast, and do no harm where the best weights are restored (decision 0012).
HARMFUL = 0.5
# Measurements after settling; of fewer a share is chance.
LEAST = 5


def check(course: Course) -> Verdict:
    """Judge the measurements after the first 30 % of the epochs."""
    if not course.measurements:
        return NOT_MEASURED
    steps = [
        (each.epoch, _beyond_noise(each.since_last))
        for each in course.measurements
        if each.epoch > SETTLING * len(course.epochs) and each.since_last is not None
    ]
    if not steps:
        return NO_VALIDATION
    if len(steps) < LEAST:
        return NotApplicable(f"It takes {LEAST} measured epochs, and there are {len(steps)}.")
    up = sum(step > 0 for _, step in steps) / len(steps)
    down = sum(step < 0 for _, step in steps) / len(steps)
    told = (
        f"After the first {percent(SETTLING)} of the run the validation loss rose by more than "
        f"{STANDARD_ERRORS:g} standard errors in {percent(up)} of {len(steps):,} steps between "
        f"measured epochs, and fell by as much in {percent(down)}"
    )
    if min(up, down) < SHARE / 2 or up + down < SHARE:
        return Healthy(f"{told}.")
    constant = prior(course)
    swing = mean(abs(step) for _, step in steps if step)
    harmful = swing > HARMFUL * constant and not course.hands_out_validated
    return Found(
        Finding(
            code=CODE,
            severity="warning" if harmful else "info",
            first_epoch=next(epoch for epoch, step in steps if step > 0),
            value=up + down,
            threshold=SHARE,
            evidence=f"{told}; these steps are {number(swing)} on average, where knowing "
            f"nothing costs {number(constant)}.",
            explanation="The steps carry the network to and fro across the minimum.",
            advice=_advice(course, harmful=harmful),
        ),
        # At a tenth of the rate 2 of 24 such trainings were better, and 7 worse (decision 0016).
        lower_learning_rate if harmful else keep_best_weights(curve(course, "val_loss")),
    )


def _advice(course: Course, *, harmful: bool) -> str:
    if harmful:
        return "Try a learning rate ten times lower, or larger batches."
    harmless = (
        "It does no harm, since the best weights are handed out."
        if course.hands_out_validated
        else "Hand out the best weights, so that it does no harm."
    )
    return f"{harmless} A lower rate may settle it, and learns less in as many epochs."


def _beyond_noise(step: PairedLosses) -> float:
    """The difference where it is more than the rows' noise, else 0."""
    if step.standard_error is None or abs(step.mean) <= STANDARD_ERRORS * step.standard_error:
        return 0.0
    return step.mean
