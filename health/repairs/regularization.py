"""Repairs of overfitting that act on the layers: Dropout, and fewer units."""

from itertools import takewhile

from health.repairs.capacity import narrower
from health.repairs.own_layers import first_not_hidden, followers, own_layers, with_layers
from health.repairs.repair import Changes, Repair
from models.output import activation_of
from models.specs.experiment import ExperimentSpec
from models.specs.layers.core import Dense
from models.specs.layers.layer import LayerSpec
from models.specs.layers.noise import Dropout
from models.specs.layers.normalization import Normalization

# Share of the units, Srivastava et al.'s for hidden layers ("Dropout", 2014, section A.4).
RATE = 0.5
# Units of a layer: narrower ones have few to spare, and neither repair was measured on them.
WIDE = 64


def add_dropout(rows: int) -> Repair:
    """Dropout after each wide hidden layer that has none, behind its normalization and activation.

    Nothing where each has one.

    Args:
        rows: to train on; a layer of fewer units than these is not wide.
    """

    def repair(spec: ExperimentSpec) -> Changes:
        own, end = own_layers(spec), first_not_hidden(spec)
        behind = {
            index + _normalized_and_activated(own, index)
            for index in _wide(spec, rows)
            if index < end and not any(isinstance(each, Dropout) for each in followers(own, index))
        }
        layers: list[LayerSpec] = []
        for index, layer in enumerate(own):
            layers.extend([layer, Dropout(rate=RATE)] if index in behind else [layer])
        return with_layers(layers) if behind else {}

    return repair


def narrow_wide_layers(rows: int) -> Repair:
    """A quarter of the units in wide hidden layers; the others stay as they are.

    Args:
        rows: to train on; a layer of fewer units than these is not wide.
    """

    def repair(spec: ExperimentSpec) -> Changes:
        wide = {f"network.layers.{index}.units" for index in _wide(spec, rows)}
        return {path: units for path, units in narrower(spec).items() if path in wide}

    return repair


def _wide(spec: ExperimentSpec, rows: int) -> frozenset[int]:
    """The layers that have a unit for each row, by index.

    Of 10 trainings whose layers had fewer, Dropout made 3 worse and none better (decision 0013).
    """
    return frozenset(
        index
        for index, layer in enumerate(own_layers(spec))
        if isinstance(layer, Dense) and layer.units >= max(WIDE, rows)
    )


def _normalized_and_activated(own: tuple[LayerSpec, ...], index: int) -> int:
    """How many layers right behind one are its normalization and its activation."""
    belong = takewhile(
        lambda each: isinstance(each, Normalization) or activation_of(each) != "linear",
        followers(own, index),
    )
    return len(tuple(belong))
