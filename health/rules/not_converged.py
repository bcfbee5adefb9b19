"""Did the epochs run out while validation was still falling, and is there more to learn?"""

import math
from collections.abc import Sequence

from health.course import Course
from health.curves import curve, explained, prior, recent_fall, trained
from health.repairs.fit import train_longer
from health.verdict import Found, Healthy, NotApplicable, Verdict
from health.words import number, percent, remains
from models.findings import Finding
from models.lifecycle import StopReason
from models.measurements import Measurement, PairedLosses

CODE = "not_converged"

# Epochs; two make no trend.
LEAST_EPOCHS = 3
# What the second half of the epochs brought, as a share of the prior's loss. With less than that,
# four times as many epochs were seldom shown to be better (decision 0013).
STILL_FALLING = 0.05
# Of the prior's loss: with less left, there is nothing to gain.
CONVERGED = 0.05
# Of the errors' squares. Where the inputs explain no more of them than EXPLAINED, what is left is
# noise and what falls is the sureness of the answers: more epochs helped half of these trainings,
# and by little. Beyond UNEXPLAINED a best epoch near the end that brought a LITTLE of the prior's
# loss is enough, for few epochs swing (decision 0013).
EXPLAINED = 0.05
UNEXPLAINED = 0.3
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
        return NotApplicable(f"It takes {LEAST_EPOCHS} epochs, and there are {len(losses)}.")
    if math.isnan(recent_fall(course)):
        return NotApplicable("The share of the loss that is left is not known.")
    best, before = min(losses), min(losses[: len(losses) // 2])
    brought, remaining = max(0.0, before - best) / prior(course), best / prior(course)
    told = (
        f"The {'validation' if validation else 'training'} loss was lowest at epoch "
        f"{losses.index(best) + 1} of {len(losses)}; the second half of the epochs brought "
        f"{percent(brought)} of the loss of knowing nothing, and {remains(remaining)}"
    )
    last = trained(course)[-1:]
    share = explained(course)
    late = len(losses) - losses.index(best) - 1 <= max(1, len(losses) // 10)
    falls = recent_fall(course) > STILL_FALLING and not _is_noise(last)
    lacks = share > UNEXPLAINED and late and brought > LITTLE
    if remaining <= CONVERGED or not (falls or lacks):
        return Healthy(f"{told}.")
    step = last[0].since_last if last else None
    paired = "" if step is None else f". Row by row the loss fell by {_spelled(step)}"
    matters = share > EXPLAINED or math.isnan(share)
    return Found(
        Finding(
            code=CODE,
            severity="warning" if matters and (validation or remaining > HARMFUL) else "info",
            first_epoch=len(losses),
            value=brought,
            threshold=STILL_FALLING if falls else LITTLE,
            evidence=f"{told}{paired}."
            + ("" if matters else " Of the errors left the inputs explain next to nothing."),
            explanation="The training ended because its epochs were over, and not because there "
            "was nothing more to learn.",
            advice="Train four times as many epochs"
            + (", and stop early with the best weights restored." if validation else "."),
        ),
        train_longer,
    )


def _is_noise(last: Sequence[Measurement]) -> bool:
    """Whether validation rows, against the measurement before, fell by less than their noise."""
    step = last[0].since_last if last else None
    if step is None or step.standard_error is None:
        return False
    return -step.mean <= STANDARD_ERRORS * step.standard_error


def _spelled(step: PairedLosses) -> str:
    error = "" if step.standard_error is None else f" ± {number(step.standard_error, 1)}"
    return f"{number(-step.mean, 2)}{error} since epoch {step.since}"
