"""Normalization as a repair: each hidden layer's output brought to unit scale on its way."""

from itertools import takewhile

from pydantic import JsonValue

from health.repairs.own_layers import first_not_hidden, own_layers
from health.repairs.repair import Changes
from models.output import activation_of
from models.specs.experiment import ExperimentSpec
from models.specs.layers.core import Activation
from models.specs.layers.layer import LayerSpec
from models.specs.layers.normalization import BatchNormalization, Normalization

# Of the moving averages. Keras's 0.99 takes some 500 steps to forget what they begin at, and small
# tables are trained in as many.
MOMENTUM = 0.9
# Hidden layers with weights and without a normalization: with so many a signal that fades or grows
# in each is lost. Measured from 8 to 14 (decision 0013).
DEEP = 8


def normalize(spec: ExperimentSpec) -> Changes:
    """BatchNormalization between each hidden layer with weights and its activation.

    Ioffe and Szegedy, "Batch Normalization" (2015), section 3.2: what goes into the activation is
    normalized, since its distribution is the more stable one. An activation within a layer becomes
    a layer of its own behind it. Layers that have a normalization of either kind stay as they are.
    """
    own, end = own_layers(spec), first_not_hidden(spec)
    layers: list[LayerSpec] = []
    for index, layer in enumerate(own):
        if index < end and hasattr(layer, "kernel_initializer") and not _normalized(own, index):
            layers.extend(_with_normalization(layer))
        else:
            layers.append(layer)
    if len(layers) == len(own):
        return {}
    return {"network.layers": [each.model_dump(mode="json") for each in layers]}


def normalize_deep(spec: ExperimentSpec) -> Changes:
    """The same in a deep network alone."""
    own = own_layers(spec)[: first_not_hidden(spec)]
    bare = [
        layer
        for index, layer in enumerate(own)
        if hasattr(layer, "kernel_initializer") and not _normalized(own, index)
    ]
    return normalize(spec) if len(bare) >= DEEP else {}


def _normalized(own: tuple[LayerSpec, ...], index: int) -> bool:
    """Whether a normalization follows before the next layer with weights to be multiplied with."""
    behind = takewhile(lambda each: not hasattr(each, "kernel_initializer"), own[index + 1 :])
    return any(isinstance(each, Normalization) for each in behind)


def _with_normalization(layer: LayerSpec) -> list[LayerSpec]:
    normalization = BatchNormalization(momentum=MOMENTUM)
    activation = activation_of(layer)
    if activation == "linear":
        return [layer, normalization]
    fields: dict[str, JsonValue] = layer.model_dump(mode="json") | {"activation": None}
    bare = type(layer).model_validate(fields)
    bend = Activation.model_validate({"layer": "Activation", "activation": activation})
    return [bare, normalization, bend]
