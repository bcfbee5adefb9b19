"""Repairs of how much a network can represent: how many hidden layers and units it has."""

import math
from collections.abc import Callable

from pydantic import JsonValue

from health.repairs.own_layers import first_not_hidden, own_layers, with_layers
from health.repairs.repair import Changes, Repair
from models.specs.experiment import ExperimentSpec
from models.specs.layers.convolution import FullConvolution, SeparableConv2D
from models.specs.layers.core import Dense, Flatten
from models.specs.layers.layer import LayerSpec

# Units, up to which a hidden layer is a bottleneck for any table or image.
BOTTLENECK = 2
# Units, up to which it may be one.
NARROW = 8
# Units that it gets then, where no layer is wider.
LEAST_UNITS = 32
# What a layer's units are multiplied or divided by, as the rungs of a capacity search are.
FACTOR = 4
# Above, a wider layer is rarely what is missing, and of a convolution costs as much as a network.
MOST_UNITS = 1024
MOST_FILTERS = 256
# Of a hidden layer where there was none: the second rung of a capacity search.
FIRST_UNITS = 64


def wider(spec: ExperimentSpec) -> Changes:
    """Widen narrow layers; where there are none, give every hidden layer four times its units."""
    return _widened(spec, NARROW) or _resized(spec, _more)


def narrower(spec: ExperimentSpec) -> Changes:
    """Give every hidden layer a quarter of its units, but for those that are narrow already."""
    return _resized(spec, _fewer)


def widen_bottlenecks(spec: ExperimentSpec) -> Changes:
    """Give hidden layers of hardly any units as many as the widest has."""
    return _widened(spec, BOTTLENECK)


def add_hidden_layer(*, flatten: bool) -> Repair:
    """A layer of ReLU units before the output, behind all that is there.

    Args:
        flatten: the values have several axes there, and are to be put in a row first.
    """

    def repair(spec: ExperimentSpec) -> Changes:
        own, end = own_layers(spec), first_not_hidden(spec)
        if spec.network is None or (end == 0 and own and not isinstance(own[0], Dense)):
            return {}
        # What is left narrow before it would stay what all has to go through.
        before = [
            layer.model_copy(update={"units": FIRST_UNITS})
            if isinstance(layer, Dense) and layer.units <= BOTTLENECK
            else layer
            for layer in own[:end]
        ]
        added: list[LayerSpec] = [Dense(units=FIRST_UNITS, activation="relu")]
        if flatten and not isinstance(own[end - 1] if end else None, Flatten):
            added.insert(0, Flatten())
        return with_layers([*before, *added, *own[end:]])

    return repair


def _widened(spec: ExperimentSpec, narrow: int) -> Changes:
    hidden = {
        index: layer.units for index, layer in _hidden(spec).items() if isinstance(layer, Dense)
    }
    widest = max(LEAST_UNITS, *hidden.values()) if hidden else LEAST_UNITS
    return {
        f"network.layers.{index}.units": widest
        for index, units in hidden.items()
        if units <= narrow
    }


def _resized(spec: ExperimentSpec, size: Callable[[int, int], int]) -> Changes:
    changes: dict[str, JsonValue] = {}
    for index, layer in _hidden(spec).items():
        match layer:
            case Dense():
                changes[f"network.layers.{index}.units"] = size(layer.units, MOST_UNITS)
            case FullConvolution():
                filters = size(layer.filters, MOST_FILTERS)
                changes[f"network.layers.{index}.filters"] = _divisible(filters, layer.groups)
            case SeparableConv2D():
                changes[f"network.layers.{index}.filters"] = size(layer.filters, MOST_FILTERS)
            case _:
                pass
    return changes


def _hidden(spec: ExperimentSpec) -> dict[int, LayerSpec]:
    """By index."""
    return dict(enumerate(own_layers(spec)[: first_not_hidden(spec)]))


def _more(units: int, most: int) -> int:
    return max(units, min(FACTOR * units, most))


def _fewer(units: int, _most: int) -> int:
    return min(units, max(units // FACTOR, NARROW))


def _divisible(filters: int, groups: int) -> int:
    """As many or a few more, as the groups divide them."""
    return math.ceil(filters / groups) * groups
