"""Repairs of learning rows by heart: units that drop out, and fewer of them."""

from itertools import takewhile

from health.repairs.capacity import narrower
from health.repairs.own_layers import first_not_hidden, own_layers
from health.repairs.repair import Changes
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


def drop_out(spec: ExperimentSpec) -> Changes:
    """Dropout behind each wide hidden layer that has none, and behind what bends its output."""
    own, end = own_layers(spec), first_not_hidden(spec)
    behind = {
        index + len(_following(own, index))
        for index, layer in enumerate(own[:end])
        if _is_wide(layer) and not _drops_out(own, index)
    }
    if not behind:
        return {}
    layers: list[LayerSpec] = []
    for index, layer in enumerate(own):
        layers.append(layer)
        if index in behind:
            layers.append(Dropout(rate=RATE))
    return {"network.layers": [each.model_dump(mode="json") for each in layers]}


def narrow_wide_layers(spec: ExperimentSpec) -> Changes:
    """A quarter of the units in wide hidden layers; the others stay as they are."""
    wide = {
        f"network.layers.{index}.units"
        for index, layer in enumerate(own_layers(spec))
        if _is_wide(layer)
    }
    return {path: units for path, units in narrower(spec).items() if path in wide}


def _is_wide(layer: LayerSpec) -> bool:
    return isinstance(layer, Dense) and layer.units >= WIDE


def _following(own: tuple[LayerSpec, ...], index: int) -> tuple[LayerSpec, ...]:
    """What normalizes or bends the output of a layer, as layers of its own."""
    return tuple(
        takewhile(
            lambda each: (
                not hasattr(each, "kernel_initializer")
                and (isinstance(each, Normalization) or activation_of(each) != "linear")
            ),
            own[index + 1 :],
        )
    )


def _drops_out(own: tuple[LayerSpec, ...], index: int) -> bool:
    behind = takewhile(lambda each: not hasattr(each, "kernel_initializer"), own[index + 1 :])
    return any(isinstance(each, Dropout) for each in behind)
