"""Is the learning rate too high? Weights are thrown away, units killed, or the loss jumps."""

import math

from health.course import Course
from health.curves import before_training, curve, explainable, loss_left, places, prior, trained
from health.repairs.rates import lower_learning_rate, stop_divergence
from health.repairs.repair import Repair
from health.rules.dynamics import LEAST_EPOCHS, SINGLE_UNITS, largest_updates, of_size, share_rising
from health.rules.gain import LACKING, is_lacking, only_noise_is_left
from health.verdict import NO_EPOCHS, Found, Healthy, NotApplicable, Verdict
from health.words import number, percent, remains
from models.findings import Finding
from models.specs.layers.normalization import BatchNormalization

CODE = "learning_rate_too_high"

# Share of epochs in which the loss rises.
OFTEN = 0.25
# Norm of an epoch's change over that of the weights: they were thrown away and replaced. Healthy
# trainings were found below 1, those of a hundred times their rate above 4 (decision 0012).
THROWN = 2.0
REPLACED = 1.0
# Share of the prior's loss: with more left, curves that jump did harm.
HARMFUL = 0.3
# With less left, a training has come back from weights that were thrown away.
RECOVERED = 0.2
# Share of a layer's units, of which fewer than WERE_ALIVE were dead before training.
KILLED = 0.9
WERE_ALIVE = 0.5
# Last validation loss over the best.
TIMES_BEST = 1.1


def check(course: Course) -> Verdict:
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
    thrown, remaining = max(largest_updates(course), default=0.0), loss_left(course)
    harmful = remaining > RECOVERED or (is_lacking(course) and not _normalizes(course))
    worst = _over_prior(course, max(filter(math.isfinite, losses), default=0.0))
    if thrown <= THROWN or not harmful or _may_be_well(course):
        return None
    rose = f"the loss rose to {number(worst)} times that of knowing nothing, and at best "
    told = f"One epoch changed the weights by {of_size(thrown)}; {rose if worst > 1 else ''}"
    return _too_high(1, thrown, THROWN, told + remains(remaining))


def _by_shape(course: Course, losses: tuple[float, ...]) -> Verdict:
    """The training loss often rises, and validation ends worse than it was."""
    if len(losses) < LEAST_EPOCHS:
        return NotApplicable(
            f"It takes {LEAST_EPOCHS} epochs or a loss that is not finite; there are {len(losses)}."
        )
    moved, validation = max(largest_updates(course), default=0.0), curve(course, "val_loss")
    rising, times = share_rising(losses), _times_best(validation or losses)
    of = "validation" if validation else "training"
    ended = f"at {number(times)} times its best" if math.isfinite(times) else "in no number"
    told = (
        f"The loss rose in {percent(rising)} of {len(losses):,} epochs, and that of {of} ended "
        f"{ended}; an epoch changed the weights by up to {of_size(moved)}"
    )
    harmful = loss_left(course) > HARMFUL and not _may_be_well(course)
    if rising >= OFTEN and times > TIMES_BEST and moved > REPLACED and harmful:
        return _too_high(1, rising, OFTEN, told)
    return Healthy(f"{told}.")


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
            code=CODE,
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


def _over_prior(course: Course, loss: float) -> float:
    constant = prior(course)
    return loss / constant if constant > 0 else math.nan


def _times_best(losses: tuple[float, ...]) -> float:
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite or min(finite) <= 0:
        return 1.0
    return losses[-1] / min(finite) if math.isfinite(losses[-1]) else math.inf


def _may_be_well(course: Course) -> bool:
    """Whether what is left may be there at any rate.

    Behind BatchNormalization the size of the weights is of no consequence, and units that are dead
    by one mean are alive by the next; so there the errors have to show it (decision 0015).
    """
    return only_noise_is_left(course) or (_normalizes(course) and explainable(course) <= LACKING)


def _normalizes(course: Course) -> bool:
    return any(isinstance(place.layer, BatchNormalization) for place in places(course))


def _killed(course: Course) -> tuple[int, float, str] | None:
    """When training had killed KILLED of a layer's units that were alive before it, how many."""
    start = before_training(course)
    if start is None or not loss_left(course) > HARMFUL or _may_be_well(course):
        return None
    alive = {
        layer.layer
        for layer in start.layers
        if layer.dead is not None and layer.dead < WERE_ALIVE and (layer.units or 0) > SINGLE_UNITS
    }
    for measurement in trained(course):
        for layer in measurement.layers:
            if layer.layer in alive and layer.dead is not None and layer.dead >= KILLED:
                return measurement.epoch, layer.dead, layer.layer
    return None
