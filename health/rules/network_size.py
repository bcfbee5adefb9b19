"""How large a network is by its narrowest hidden layer, and what would make it larger.

Whether it is too small for its data `underfitting` judges; here only the layers are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from health.curves import Place
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
from models.output import activation_of
from models.specs.layers.convolution import DepthwiseConv2D
from models.specs.layers.core import Dense, Flatten
from models.specs.layers.normalization import LayerNormalization
from models.specs.layers.pooling import GlobalMaxPooling2D, MaxPooling1D, MaxPooling2D

_ONLY_LINEAR = (
    "Without a nonlinear hidden layer each output is a weighted sum of the inputs, which cannot "
    "represent what they do together."
)
_BY_CHANNEL = (
    "Each output is a weighted sum of what single filters see, which is a few places of one "
    "channel each."
)

# Layers that are not linear without an activation.
_NONLINEAR = (MaxPooling1D, MaxPooling2D, GlobalMaxPooling2D, LayerNormalization)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSize:
    """How large a network is, and what would make it larger.

    Attributes:
        is_small: whether it may be too small.
        is_bottleneck: whether it is so small that nothing else explains what it did not learn.
        layer: the narrowest hidden one; None where no hidden layer counts.
        told: the size, as a clause on the network.
        explanation: why that is too little.
        advice: what to try.
        repair: what carries the advice out.
    """

    is_small: bool
    is_bottleneck: bool
    layer: str | None
    told: str
    explanation: str
    advice: str
    repair: Repair


def network_size(layers: Sequence[Place]) -> NetworkSize:
    """Size a network by its layers, of which those before the output count."""
    hidden = [place for place in layers if not place.is_output]
    sized = [place for place in hidden if _units(place)]
    if not sized or not any(map(_is_nonlinear, hidden)):
        return _without_nonlinearity(hidden)
    narrowest = min(sized, key=lambda place: (_is_wide(place), _units(place), place.name))
    units, unit = _units(narrowest), _unit(narrowest)
    return NetworkSize(
        is_small=not _is_wide(narrowest),
        is_bottleneck=units <= BOTTLENECK,
        layer=narrowest.name,
        told=f"whose narrowest hidden layer, {narrowest.name}, has {units} "
        f"{unit}{'' if units == 1 else 's'}",
        explanation="All that the layers behind it learn of a row has to go through so little.",
        advice="Give that layer as many as the widest of its kind has, and at least "
        f"{LEAST_UNITS} units or {LEAST_FILTERS} filters.",
        repair=wider,
    )


def _without_nonlinearity(hidden: Sequence[Place]) -> NetworkSize:
    """A network in which no hidden layer is a nonlinear function of all inputs.

    A depthwise convolution has as many channels as its inputs, so it is no narrow layer.
    """
    by_channel = any(map(_filters_channels, hidden))
    if by_channel and any(map(_is_nonlinear, hidden)):
        told, explanation = "whose hidden layers filter each channel by itself", _BY_CHANNEL
    elif by_channel or any(map(_units, hidden)):
        told, explanation = "whose hidden layers are all linear", _ONLY_LINEAR
    else:
        told, explanation = "which has no hidden layer", _ONLY_LINEAR
    return NetworkSize(
        is_small=True,
        is_bottleneck=True,
        layer=None,
        told=told,
        explanation=explanation,
        advice="Add a hidden layer with an activation.",
        repair=add_hidden_layer(flatten=_ends_in_flatten(hidden)),
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


def _filters_channels(place: Place) -> bool:
    return isinstance(place.layer, DepthwiseConv2D)


def _ends_in_flatten(hidden: Sequence[Place]) -> bool:
    return bool(hidden) and isinstance(hidden[-1].layer, Flatten)
