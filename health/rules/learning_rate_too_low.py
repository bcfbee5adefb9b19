"""Is the learning rate too low? The loss goes the right way, and the weights hardly move."""

import math
from statistics import median

from health.course import Course
from health.curves import curve, loss_left
from health.repairs.rates import raise_learning_rate
from health.rules.dynamics import (
    LEAST_EPOCHS,
    is_still_falling,
    largest_updates,
    of_size,
    share_rising,
)
from health.rules.gain import CONVERGED, is_lacking, only_noise_is_left
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict, too_few_epochs
from health.words import percent, remains
from models.findings import Finding

CODE = "learning_rate_too_low"

# Share of epochs in which the loss rises.
RARELY = 0.2
# Norm of an epoch's change over that of the weights, of the layer that moves most, in the middle of
# all measured epochs. Healthy trainings were found above 0.005, those of a hundredth of their rate
# below 0.0035 (decision 0012).
SMALL_UPDATE = 0.004
# The same where the loss is still falling at the end: trainings at a hundredth of their rate were
# found below 0.0065, those that only end too early above 0.03 (decision 0016).
SMALL_WHILE_FALLING = 0.012
# With less than this a loss moves by rounding and by random layers alone.
NO_UPDATE = 1e-4


def check(course: Course) -> Verdict:
    """Every epoch a little better, the last the best, and the weights hardly moved."""
    losses = curve(course, "loss")
    updates = largest_updates(course)
    if not updates:
        return NOT_MEASURED
    if len(losses) < LEAST_EPOCHS:
        return too_few_epochs(len(losses), LEAST_EPOCHS)
    if not all(map(math.isfinite, losses)):
        return NotApplicable("The loss is not finite.")
    judged = curve(course, "val_loss") or losses
    # Random layers make the training loss jump.
    rising = min(share_rising(losses), share_rising(judged))
    typical, remaining = median(updates), loss_left(course, "last")
    told = (
        f"The loss rose in {percent(rising)} of {len(losses):,} epochs, and a typical epoch "
        f"changed the weights by {of_size(typical)}"
    )
    limit = SMALL_WHILE_FALLING if is_still_falling(course) else SMALL_UPDATE
    frozen, lacking = typical < NO_UPDATE, is_lacking(course)
    right_way = rising <= RARELY and _ends_at_its_best(judged)
    # Validation by moving averages lags far behind slow weights (decision 0015).
    lagging = lacking and _ends_at_its_best(losses)
    learned = (remaining <= CONVERGED and not lacking) or only_noise_is_left(course)
    if typical >= limit or not (frozen or right_way or lagging) or learned:
        return Healthy(f"{told}.")
    return Found(
        Finding(
            code=CODE,
            severity="problem" if frozen else "warning",
            first_epoch=1,
            value=typical,
            threshold=limit,
            evidence=f"{told}; {remains(remaining)}.",
            explanation="Each step goes the right way and is far too short, so training ends long "
            "before the network has learned what it can.",
            advice="Try a learning rate ten times higher.",
        ),
        raise_learning_rate,
    )


def _ends_at_its_best(losses: tuple[float, ...]) -> bool:
    """Whether the best is in the last fifth."""
    return min(losses) >= min(losses[-max(1, len(losses) // 5) :])
