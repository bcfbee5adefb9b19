"""Is the learning rate too low or too high? The shape of the curves and the updates say it."""

import math
from itertools import pairwise
from statistics import median

from health.course import Course
from health.curves import (
    before_training,
    curve,
    left,
    only_noise_is_left,
    prior,
    recent_fall,
    trained,
)
from health.repairs.rates import lower_learning_rate, raise_learning_rate, stop_divergence
from health.repairs.repair import Repair
from health.verdict import NO_EPOCHS, NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import number, percent, remains
from models.findings import Finding

TOO_LOW = "learning_rate_too_low"
TOO_HIGH = "learning_rate_too_high"

# Epochs, before which a curve has no shape.
LEAST_EPOCHS = 10

# Share of epochs in which the loss rises.
RARELY = 0.2
OFTEN = 0.25
# Norm of an epoch's change over that of the weights, of the layer that moves most, in the middle of
# all measured epochs. Healthy trainings were found above 0.005, those of a hundredth of their rate
# below 0.0035 (decision 0012).
SMALL_UPDATE = 0.004
# The same where the loss is still falling at the end, by more than this share of the prior's in the
# second half of the epochs: trainings at a hundredth of their rate were found below 0.0065, those
# that only end too early above 0.03 (decision 0013).
SMALL_WHILE_FALLING = 0.012
STILL_FALLING = 0.05
# With less than this a loss moves by rounding and by random layers alone.
NO_UPDATE = 1e-4
# Share of the prior's loss: with less left, there is nothing to gain.
CONVERGED = 0.05

# Norm of an epoch's change over that of the weights: they were thrown away and replaced. Healthy
# trainings were found below 1, those of a hundred times their rate above 4 (decision 0012).
THROWN = 2.0
REPLACED = 1.0
# Share of the prior's loss: with more left, curves that jump did harm.
HARMFUL = 0.3
# With less left, a training has come back from weights that were thrown away: all that did harm
# were found above 0.3, those that did none below 0.17 (decision 0012).
RECOVERED = 0.2
# Units of a layer and of the one before it, up to which the rule says nothing: single weights that
# begin near 0 come to many times their size at any rate, and single units die by chance.
HARDLY_ANY = 2
# Share of a layer's units, of which fewer than WERE_ALIVE were dead before training.
KILLED = 0.9
WERE_ALIVE = 0.5
# Last validation loss over the best.
TIMES_BEST = 1.1


def check_too_low(course: Course) -> Verdict:
    """Every epoch a little better, the last the best, and the weights hardly moved."""
    losses = curve(course, "loss")
    updates = largest_updates(course)
    if not updates:
        return NOT_MEASURED
    if len(losses) < LEAST_EPOCHS:
        return NotApplicable(f"It takes {LEAST_EPOCHS} epochs, and there are {len(losses)}.")
    if not all(map(math.isfinite, losses)):
        return NotApplicable("The loss is not finite.")
    judged = curve(course, "val_loss") or losses
    rising = min(_rising(losses), _rising(judged))  # random layers make the training loss jump
    typical, remaining = median(updates), left(course, "last")
    told = (
        f"The loss rose in {percent(rising)} of {len(losses):,} epochs, and a typical epoch "
        f"changed the weights by {_of_size(typical)}"
    )
    still = typical < NO_UPDATE
    falling = rising <= RARELY and min(judged) >= min(judged[-max(1, len(judged) // 10) :])
    limit = SMALL_WHILE_FALLING if recent_fall(course) > STILL_FALLING else SMALL_UPDATE
    learned = remaining <= CONVERGED or only_noise_is_left(course)
    if typical >= limit or not (still or falling) or learned:
        return Healthy(f"{told}.")
    return Found(
        Finding(
            code=TOO_LOW,
            severity="problem" if still else "warning",
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


def check_too_high(course: Course) -> Verdict:
    """Judge by what is not finite, by weights thrown away, by units killed, and by the curves."""
    losses = curve(course, "loss")
    if not losses:
        return NO_EPOCHS
    if not math.isfinite(losses[-1]):
        return _too_high(
            len(losses), None, None, "The loss is no longer finite", repair=stop_divergence
        )
    if (killed := _killed(course)) is not None:
        epoch, share, name = killed
        told = f"Training killed {percent(share)} of the units of {name} by epoch {epoch}"
        return _too_high(epoch, share, KILLED, told)
    return _thrown(course, losses) or _by_shape(course, losses)


def _thrown(course: Course, losses: tuple[float, ...]) -> Found | None:
    """Weights were replaced in an epoch, and the loss shows that it did harm."""
    thrown, remaining = max(largest_updates(course), default=0.0), left(course)
    worst = _over_prior(course, max(filter(math.isfinite, losses), default=0.0))
    if thrown <= THROWN or not remaining > RECOVERED or only_noise_is_left(course):
        return None
    rose = f"the loss rose to {number(worst)} times that of knowing nothing, and at best "
    told = f"One epoch changed the weights by {_of_size(thrown)}; {rose if worst > 1 else ''}"
    return _too_high(1, thrown, THROWN, told + remains(remaining))


def _by_shape(course: Course, losses: tuple[float, ...]) -> Verdict:
    """The training loss often rises, and validation ends worse than it was."""
    if len(losses) < LEAST_EPOCHS:
        return NotApplicable(
            f"It takes {LEAST_EPOCHS} epochs or a loss that is not finite; there are {len(losses)}."
        )
    moved, validation = max(largest_updates(course), default=0.0), curve(course, "val_loss")
    rising, times = _rising(losses), _times_best(validation or losses)
    of = "validation" if validation else "training"
    ended = f"at {number(times)} times its best" if math.isfinite(times) else "in no number"
    told = (
        f"The loss rose in {percent(rising)} of {len(losses):,} epochs, and that of {of} ended "
        f"{ended}; an epoch changed the weights by up to {_of_size(moved)}"
    )
    harmful = left(course) > HARMFUL and not only_noise_is_left(course)
    if rising >= OFTEN and times > TIMES_BEST and moved > REPLACED and harmful:
        return _too_high(1, rising, OFTEN, told)
    return Healthy(f"{told}.")


def largest_updates(course: Course) -> list[float]:
    """Of each measurement the layer that moved most, but for those of single weights."""
    found = []
    for measurement in trained(course):
        ratios, units = [], HARDLY_ANY + 1
        for layer in measurement.layers:
            before, units = units, layer.units or units
            if layer.update_ratio is not None and max(before, units) > HARDLY_ANY:
                ratios.append(layer.update_ratio)
        if ratios:
            found.append(max(ratios))
    return found


def _too_high(
    epoch: int,
    value: float | None,
    threshold: float | None,
    told: str,
    *,
    repair: Repair = lower_learning_rate,
) -> Found:
    return Found(
        Finding(
            code=TOO_HIGH,
            severity="problem",
            first_epoch=epoch,
            value=value,
            threshold=threshold,
            evidence=f"{told}.",
            explanation="Steps are so long that they jump over the minimum they aim at, and may "
            "throw units where they no longer learn.",
            advice="Try a learning rate ten times lower.",
        ),
        repair,
    )


def _of_size(ratio: float) -> str:
    """How far weights came."""
    return f"{number(ratio)} times their size" if ratio > 1 else f"{percent(ratio)} of their size"


def _over_prior(course: Course, loss: float) -> float:
    constant = prior(course)
    return loss / constant if constant > 0 else math.nan


def _rising(losses: tuple[float, ...]) -> float:
    """Share of the epochs from the second on in which the loss is higher than before."""
    steps = [later > earlier for earlier, later in pairwise(losses)]
    return sum(steps) / len(steps) if steps else 0.0


def _times_best(losses: tuple[float, ...]) -> float:
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite or min(finite) <= 0:
        return 1.0
    return losses[-1] / min(finite) if math.isfinite(losses[-1]) else math.inf


def _killed(course: Course) -> tuple[int, float, str] | None:
    """When training had killed KILLED of a layer's units that were alive before it, how many."""
    start = before_training(course)
    if start is None or not left(course) > HARMFUL:
        return None
    alive = {
        layer.layer
        for layer in start.layers
        if layer.dead is not None and layer.dead < WERE_ALIVE and (layer.units or 0) > HARDLY_ANY
    }
    for measurement in trained(course):
        for layer in measurement.layers:
            if layer.layer in alive and layer.dead is not None and layer.dead >= KILLED:
                return measurement.epoch, layer.dead, layer.layer
    return None
