"""Could the inputs still explain what the network leaves, and is its size what is short?

Lack of fit alone may also be a training that was too short or too slow, which other rules find; so
only a network without a hidden layer, or with a narrow one, is called too small. That a larger one
does better only networks side by side can show: see `health.experiment`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from health.course import Course
from health.curves import Place, loss_left, places, trained
from health.repairs.capacity import (
    BOTTLENECK,
    FEW_FILTERS,
    LEAST_FILTERS,
    LEAST_UNITS,
    NARROW,
    add_hidden_layer,
    wider,
)
from health.repairs.repair import Repair
from health.rules.dynamics import WORTHWHILE, is_still_falling
from health.verdict import NOT_MEASURED, Found, Healthy, NotApplicable, Verdict
from health.words import percent, remains
from models.findings import Finding
from models.measurements import LackOfFit
from models.output import activation_of
from models.specs.layers.convolution import DepthwiseConv2D
from models.specs.layers.core import Dense, Flatten
from models.specs.layers.normalization import LayerNormalization
from models.specs.layers.pooling import GlobalMaxPooling2D, MaxPooling1D, MaxPooling2D

CODE = "underfitting"

# Of the errors' squares, beyond so many standard errors. Networks that are large enough were found
# below 0.1, those that a larger one beats mostly above 0.2 (decision 0014).
EXPLAINED = 0.12
STANDARD_ERRORS = 2.0
LEAST_EPOCHS = 3

_STRAIGHT = (
    "Without a nonlinear hidden layer each output is a weighted sum of the inputs, which cannot "
    "represent what they do together."
)
_BY_CHANNEL = (
    "Each output is a weighted sum of what single filters see, which is a few places of one "
    "channel each."
)

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
    if not _is_large(fit) or fit.share * remaining <= WORTHWHILE or not size.is_small:
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
    sized = [(_is_wide(each), _units(each), each.name, _unit(each)) for each in hidden]
    sized = [each for each in sized if each[1]]
    if not sized or not any(_is_nonlinear(place) for place in hidden):
        told, explanation = _without_bend(hidden)
        advice = "Add a hidden layer with an activation."
        repair = add_hidden_layer(flatten=_ends_in_flatten(hidden))
        return _Size(True, None, told, explanation, advice, repair)
    wide, units, name, unit = min(sized)
    # A layer of some units that still learns may be wide enough, and was found so (decision 0014).
    learns = units > BOTTLENECK and is_still_falling(course)
    return _Size(
        not (wide or learns),
        name,
        f"whose narrowest hidden layer, {name}, has {units} {unit}{'' if units == 1 else 's'}",
        "All that the layers behind it learn of a row has to go through so little.",
        "Give that layer as many as the widest of its kind has, and at least "
        f"{LEAST_UNITS} units or {LEAST_FILTERS} filters.",
        wider,
    )


def _units(place: Place) -> int:
    return int(getattr(place.layer, "units", 0) or getattr(place.layer, "filters", 0) or 0)


def _unit(place: Place) -> str:
    return "unit" if isinstance(place.layer, Dense) else "filter"


def _is_wide(place: Place) -> bool:
    """A few filters are many numbers, since each looks at many places."""
    return _units(place) > (NARROW if isinstance(place.layer, Dense) else FEW_FILTERS)


def _is_nonlinear(place: Place) -> bool:
    return activation_of(place.layer) != "linear" or isinstance(place.layer, _NONLINEAR)


def _without_bend(hidden: Sequence[Place]) -> tuple[str, str]:
    """What hidden layers there are where none bends what comes of all inputs, and what that does.

    A depthwise convolution has as many channels as its inputs, so it is no narrow layer.
    """
    by_channel = any(map(_filters_channels, hidden))
    if by_channel and any(map(_is_nonlinear, hidden)):
        return "whose hidden layers filter each channel by itself", _BY_CHANNEL
    if by_channel or any(map(_units, hidden)):
        return "whose hidden layers are all linear", _STRAIGHT
    return "which has no hidden layer", _STRAIGHT


def _filters_channels(place: Place) -> bool:
    return isinstance(place.layer, DepthwiseConv2D)


def _ends_in_flatten(hidden: list[Place]) -> bool:
    return bool(hidden) and isinstance(hidden[-1].layer, Flatten)
