"""Did validation get worse while training got better?"""

from health.course import Course
from health.curves import trained
from health.repairs import keep_best_weights
from health.verdict import NO_VALIDATION, NOT_MEASURED, Found, Healthy, Verdict
from models.findings import Finding

CODE = "overfitting"

# Paired standard errors of the validation rows' losses.
STANDARD_ERRORS = 2.0


def check(course: Course) -> Verdict:
    """Judge the last measurement against the best one."""
    after = trained(course)
    if not after:
        return NOT_MEASURED
    last = after[-1]
    worse = last.since_best
    if worse is None:
        return NO_VALIDATION
    error = worse.standard_error
    if error is None or worse.mean <= STANDARD_ERRORS * error:
        return Healthy(
            f"The last validation loss is {worse.mean:.2g} above the best, "
            "within the noise of its rows."
        )
    best = next((each for each in course.measurements if each.epoch == worse.since), None)
    before, now = None if best is None else best.loss, last.loss
    if before is not None and now is not None and now >= before:
        return Healthy("Validation got worse, and so did training: that is not overfitting.")
    stopping = course.trial.fit.early_stopping
    restored = stopping is not None and stopping.restore_best_weights
    return Found(
        Finding(
            code=CODE,
            severity="info" if restored else "warning",
            first_epoch=worse.since,
            value=worse.mean,
            threshold=STANDARD_ERRORS * error,
            evidence=f"From epoch {worse.since} to {last.epoch} the validation loss rose by "
            f"{worse.mean:.2g} ± {error:.1g} a row, while the training loss fell"
            + ("." if before is None or now is None else f" from {before:.2g} to {now:.2g}."),
            explanation="The network learns by heart what is peculiar to the training rows"
            + (
                "; what is handed out are the weights from before that."
                if restored
                else ", and it is handed out as it was in the end."
            ),
            advice="More training rows, fewer units or Dropout would let it learn longer."
            if restored
            else "Stop early and restore the best weights; more training rows, fewer units or "
            "Dropout let it learn longer.",
        ),
        keep_best_weights,
    )
