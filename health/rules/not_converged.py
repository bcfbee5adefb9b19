"""Did the epochs run out while validation was still falling, and is there more to learn?"""

import math
from collections.abc import Sequence

from health.course import Course
from health.curves import curve, explainable, prior, recent_fall, trained
from health.repairs.fit import train_longer
from health.rules.dynamics import STILL_FALLING, is_still_falling
from health.rules.gain import CONVERGED, is_lacking
from health.verdict import Found, Healthy, NotApplicable, Verdict, too_few_epochs
from health.words import number, part, remains
from models.findings import Finding
from models.lifecycle import StopReason
from models.measurements import PairedLosses

CODE = "not_converged"

# Epochs; two make no trend.
LEAST_EPOCHS = 3
# Shares of the errors' squares that the inputs still explain (decision 0016). Where that is at most
# this, what falls is mostly how sure the answers are: more epochs helped half of these trainings,
# and by little.
MOSTLY_NOISE = 0.1
# Where it is more than this, a best epoch near the end is enough that brought a LITTLE of the
# prior's loss, for few epochs swing.
EXPLAINABLE = 0.2
LITTLE = 0.02
# Paired standard errors of the validation rows' losses, since the measurement before the last: a
# fall that is smaller may be the rows' noise. Breiman's rule, as in `search.paired`.
STANDARD_ERRORS = 1.0
# Of the prior's loss. Where no rows validate, a training loss that falls further may be learning by
# heart, so only where this much is left it is more than informational.
HARMFUL = 0.5


def check(course: Course) -> Verdict:
    """Judge the second half of a training that went on to its last epoch."""
    validation, training = curve(course, "val_loss"), curve(course, "loss")
    losses = validation or training
    if course.stop_reason is not StopReason.COMPLETED:
        return NotApplicable("It did not come to its last epoch.")
    if len(losses) < LEAST_EPOCHS:
        return too_few_epochs(len(losses), LEAST_EPOCHS)
    if math.isnan(recent_fall(course)):
        return NotApplicable("The share of the loss that is left is not known.")
    best, before = min(losses), min(losses[: len(losses) // 2])
    brought, remaining = max(0.0, before - best) / prior(course), best / prior(course)
    told = (
        f"The {'validation' if validation else 'training'} loss was lowest at epoch "
        f"{losses.index(best) + 1} of {len(losses)}. The second half of the epochs lowered it by "
        f"{part(brought, 'the loss of knowing nothing')}; {remains(remaining)}"
    )
    threshold = _crossed(course, losses, brought)
    learned = remaining <= CONVERGED and not is_lacking(course)
    if learned or threshold is None:
        return Healthy(f"{told}.")
    is_noise = explainable(course) <= MOSTLY_NOISE
    matters = not is_noise and (validation or remaining > HARMFUL)
    return Found(
        Finding(
            code=CODE,
            severity="warning" if matters else "info",
            first_epoch=len(losses),
            value=brought,
            threshold=threshold,
            evidence=f"{told}{_row_by_row(_last_step(course))}."
            + (" The inputs explain hardly any of the errors that are left." if is_noise else ""),
            explanation="The training ended because its epochs were over, and not because there "
            "was nothing more to learn.",
            advice="Train four times as many epochs"
            + (", and stop early with the best weights restored." if validation else "."),
        ),
        train_longer(losses),
    )


def _crossed(course: Course, losses: Sequence[float], brought: float) -> float | None:
    """The limit above which the second half brought enough; None where it did not."""
    if is_still_falling(course) and not _is_within_noise(_last_step(course)):
        return STILL_FALLING
    since_best = len(losses) - 1 - losses.index(min(losses))
    is_late = since_best <= max(1, len(losses) // 10)
    return LITTLE if explainable(course) > EXPLAINABLE and is_late and brought > LITTLE else None


def _last_step(course: Course) -> PairedLosses | None:
    """The validation rows at the last measurement against the one before."""
    after = trained(course)
    return after[-1].since_last if after else None


def _is_within_noise(step: PairedLosses | None) -> bool:
    if step is None or step.standard_error is None:
        return False
    return -step.mean <= STANDARD_ERRORS * step.standard_error


def _row_by_row(step: PairedLosses | None) -> str:
    if step is None:
        return ""
    error = "" if step.standard_error is None else f" ± {number(step.standard_error, 1)}"
    return f". Row by row the loss fell by {number(-step.mean, 2)}{error} since epoch {step.since}"
