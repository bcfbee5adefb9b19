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

_BENDING = (MaxPooling1D, MaxPooling2D, GlobalMaxPooling2D, LayerNormalization)


@dataclass(frozen=True, slots=True)
class _Short:
    """What a network would be short of.

    Attributes:
        it_is: whether that may be what ails it.
        layer: the narrowest hidden one; None where there is none.
    """

    it_is: bool
    layer: str | None
    said: str
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
    fit, short = after[-1].lack_of_fit, _short(course)
    if fit is None:
        return NotApplicable("What the inputs still explain of the errors was not measured.")
    told = (
        f"The inputs still explain {percent(fit.share)} ± {percent(fit.standard_error)} of the "
        f"errors of the network, {short.said}; {remains(remaining)}."
    )
    if not _is_large(fit) or remaining <= HARMFUL or not short.it_is:
        return Healthy(told)
    return Found(
        Finding(
            code=CODE,
            severity="problem",
            layer=short.layer,
            first_epoch=after[-1].epoch,
            value=fit.share,
            threshold=EXPLAINED,
            evidence=told,
            explanation=short.explanation,
            advice=short.advice,
        ),
        short.repair,
    )


def _is_large(fit: LackOfFit) -> bool:
    return fit.share > max(EXPLAINED, STANDARD_ERRORS * fit.standard_error)


def _short(course: Course) -> _Short:
    hidden = [place for place in places(course) if not place.is_output]
    sized = [(_is_wide(place), _units(place), place.name) for place in hidden if _units(place)]
    if not sized or not any(_bends(place) for place in hidden):
        return _Short(
            True,
            None,
            "which has no hidden layer" if not sized else "of which no hidden layer bends anything",
            "Without a hidden layer that bends what it passes on, each output is a weighted sum of "
            "the inputs, and what they do together it cannot represent.",
            "Add a hidden layer with an activation.",
            add_hidden_layer(flatten=_ends_in_flatten(hidden)),
        )
    wide, units, name = min(sized)
    # A layer of some units that still learns may be wide enough, and was found so (decision 0014).
    learns = units > BOTTLENECK and is_still_falling(course)
    return _Short(
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


def _bends(place: Place) -> bool:
    return activation_of(place.layer) != "linear" or isinstance(place.layer, _BENDING)


def _ends_in_flatten(hidden: list[Place]) -> bool:
    return bool(hidden) and isinstance(hidden[-1].layer, Flatten)
