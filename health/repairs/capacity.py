"""Repairs of how much a network can represent: how many units its hidden layers have."""

from health.repairs.own_layers import first_not_hidden, own_layers
from health.repairs.repair import Changes
from models.specs.experiment import ExperimentSpec
from models.specs.layers.core import Dense

# Units, up to which a hidden layer is a bottleneck for any table or image, and what it gets then
# where no layer is wider.
BOTTLENECK = 2
LEAST_UNITS = 32


def widen_bottlenecks(spec: ExperimentSpec) -> Changes:
    """Give hidden layers of hardly any units as many as the widest has."""
    hidden = {
        index: layer.units
        for index, layer in enumerate(own_layers(spec)[: first_not_hidden(spec)])
        if isinstance(layer, Dense)
    }
    widest = max(LEAST_UNITS, *hidden.values()) if hidden else LEAST_UNITS
    return {
        f"network.layers.{index}.units": widest
        for index, units in hidden.items()
        if units <= BOTTLENECK
    }
