"""Repairs of how much a network can represent: how many hidden layers and units it has."""

import math
from collections.abc import Callable

from pydantic import JsonValue

from health.repairs.own_layers import first_not_hidden, own_layers, with_layers
from health.repairs.repair import Changes, Repair, otherwise
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
# Filters of a convolution, up to which it is one: each looks at many places.
FEW_FILTERS = 2
# Filters that it gets then, where no convolution has more.
LEAST_FILTERS = 16
# What a layer's units are multiplied or divided by, as the rungs of a capacity search are.
FACTOR = 4
# Above, a wider layer is rarely what is missing, and of a convolution costs as much as a network.
MOST_UNITS = 1024
MOST_FILTERS = 256
# Of a hidden layer where there was none: the second rung of a capacity search.
FIRST_UNITS = 64

Size = Callable[[int], int]
_WithFilters = FullConvolution | SeparableConv2D


def wider(spec: ExperimentSpec) -> Changes:
    """Widen narrow layers; where there are none, give every hidden layer four times its units."""
    return otherwise(_widened(NARROW), _resized(_times(MOST_UNITS), _times(MOST_FILTERS)))(spec)


def narrower(spec: ExperimentSpec) -> Changes:
    """Give every hidden layer a quarter of its units, but for those that are narrow already."""
    return _resized(_quarter, _quarter)(spec)


def widen_bottlenecks(spec: ExperimentSpec) -> Changes:
    """Give hidden layers of hardly any units as many as the widest has."""
    return _widened(BOTTLENECK)(spec)


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


def _widened(narrow: int) -> Repair:
    """Layers of so few units, and of hardly any filters, as wide as the widest of their kind."""

    def repair(spec: ExperimentSpec) -> Changes:
        hidden = _hidden(spec).values()
        units = [each.units for each in hidden if isinstance(each, Dense)]
        filters = [each.filters for each in hidden if isinstance(each, _WithFilters)]
        return _resized(
            _at_least(max([LEAST_UNITS, *units]), narrow),
            _at_least(max([LEAST_FILTERS, *filters]), FEW_FILTERS),
        )(spec)

    return repair


def _resized(units: Size, filters: Size) -> Repair:
    """Hidden layers of other sizes, which follow from those that they have."""

    def repair(spec: ExperimentSpec) -> Changes:
        changes: dict[str, JsonValue] = {}
        for index, layer in _hidden(spec).items():
            match layer:
                case Dense():
                    changes[f"network.layers.{index}.units"] = units(layer.units)
                case FullConvolution():
                    divisible = _divisible(filters(layer.filters), layer.groups)
                    changes[f"network.layers.{index}.filters"] = divisible
                case SeparableConv2D():
                    changes[f"network.layers.{index}.filters"] = filters(layer.filters)
                case _:
                    pass
        return changes

    return repair


def _hidden(spec: ExperimentSpec) -> dict[int, LayerSpec]:
    """By index."""
    return dict(enumerate(own_layers(spec)[: first_not_hidden(spec)]))


def _at_least(wide: int, narrow: int) -> Size:
    return lambda units: wide if units <= narrow else units


def _times(most: int) -> Size:
    return lambda units: max(units, min(FACTOR * units, most))


def _quarter(units: int) -> int:
    return min(units, max(units // FACTOR, NARROW))


def _divisible(filters: int, groups: int) -> int:
    """As many or a few more, as the groups divide them."""
    return math.ceil(filters / groups) * groups
