"""Could the inputs still explain what the network leaves, and is its size what is short?

Lack of fit alone may also be a training that was too short or too slow, which other rules find; so
only a network without a hidden layer, or with a narrow one, is called too small. That a larger one
does better only networks side by side can show: see `health.experiment`.
"""

import math
from dataclasses import dataclass

from health.course import Course
from health.curves import Place, loss_left, places, trained
from health.repairs.capacity import BOTTLENECK, NARROW, add_hidden_layer, wider
from health.repairs.repair import Repair
from health.rules.dynamics import is_still_falling
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import percent, remains
from models.findings import Finding
from models.measurements import LackOfFit
from models.output import activation_of
from models.specs.layers.core import Dense, Flatten
from models.specs.layers.normalization import LayerNormalization
from models.specs.layers.pooling import GlobalMaxPooling2D, MaxPooling1D, MaxPooling2D

CODE = "underfitting"

# Of the errors' squares, beyond so many standard errors. Networks that are large enough were found
# below 0.1, those that a larger one beats above 0.2 (decision 0014).
EXPLAINED = 0.15
STANDARD_ERRORS = 2.0
# Of the prior's loss: with less left, there is little to gain.
HARMFUL = 0.15
LEAST_EPOCHS = 3

_NONLINEAR = (MaxPooling1D, MaxPooling2D, GlobalMaxPooling2D, LayerNormalization)


@dataclass(frozen=True, slots=True)
class _Size:
    """How large a network is, and what would make it larger.

    Attributes:
        is_small: whether it may be too small.
        layer: the narrowest hidden one; None where no hidden layer counts.
        told: the size, as a clause on the network.
    """

    is_small: bool
    layer: str | None
    told: str
    explanation: str
    advice: str
    repair: Repair


def check(course: Course) -> Verdict:
    """Judge what is left at the end by what inputs explain of it, and by the narrowest layer."""
    remaining, after = loss_left(course), trained(course)
    if math.isnan(remaining) or not after:
        return NOT_MEASURED
    if len(course.epochs) < LEAST_EPOCHS:
        return NotApplicable(f"It takes {LEAST_EPOCHS} epochs, and there are {len(course.epochs)}.")
    if course.stop_reason is None:
        return NotApplicable("It is measured when the training ends.")
    fit, size = after[-1].lack_of_fit, _size_of(course)
    if fit is None:
        return NotApplicable("What the inputs still explain of the errors was not measured.")
    told = (
        f"The inputs still explain {percent(fit.share)} ± {percent(fit.standard_error)} of the "
        f"errors of the network, {size.told}; {remains(remaining)}."
    )
    if not _is_large(fit) or remaining <= HARMFUL or not size.is_small:
        return Healthy(told)
    return Found(
        Finding(
            code=CODE,
            severity="problem",
            layer=size.layer,
            first_epoch=after[-1].epoch,
            value=fit.share,
            threshold=EXPLAINED,
            evidence=told,
            explanation=size.explanation,
            advice=size.advice,
        ),
        size.repair,
    )


def _is_large(fit: LackOfFit) -> bool:
    return fit.share > max(EXPLAINED, STANDARD_ERRORS * fit.standard_error)


def _size_of(course: Course) -> _Size:
    hidden = [place for place in places(course) if not place.is_output]
    sized = [(_is_wide(place), _units(place), place.name) for place in hidden if _units(place)]
    if not sized or not any(_is_nonlinear(place) for place in hidden):
        return _Size(
            True,
            None,
            "which has no hidden layer" if not sized else "whose hidden layers are all linear",
            "Without a nonlinear hidden layer each output is a weighted sum of the inputs, which "
            "cannot represent what they do together.",
            "Add a hidden layer with an activation.",
            add_hidden_layer(flatten=_ends_in_flatten(hidden)),
        )
    wide, units, name = min(sized)
    # A layer of some units that still learns may be wide enough, and was found so (decision 0014).
    learns = units > BOTTLENECK and is_still_falling(course)
    return _Size(
        not (wide or learns),
        name,
        f"whose narrowest hidden layer, {name}, has {units} {'unit' if units == 1 else 'units'}",
        "All that the layers behind it learn of a row has to go through so few numbers.",
        "Give that layer as many units as the widest has, or 32.",
        wider,
    )


def _units(place: Place) -> int:
    return int(getattr(place.layer, "units", 0) or getattr(place.layer, "filters", 0) or 0)


def _is_wide(place: Place) -> bool:
    """A few filters are many numbers, since each looks at many places."""
    return _units(place) > (NARROW if isinstance(place.layer, Dense) else BOTTLENECK)


def _is_nonlinear(place: Place) -> bool:
    return activation_of(place.layer) != "linear" or isinstance(place.layer, _NONLINEAR)


def _ends_in_flatten(hidden: list[Place]) -> bool:
    return bool(hidden) and isinstance(hidden[-1].layer, Flatten)
