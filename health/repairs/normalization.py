"""Normalization as a repair: each hidden layer's output brought to unit scale on its way."""

from pydantic import JsonValue

from health.repairs.own_layers import first_not_hidden, followers, own_layers, with_layers
from health.repairs.repair import Changes
from models.output import activation_of
from models.specs.experiment import ExperimentSpec
from models.specs.layers.core import Activation
from models.specs.layers.layer import LayerSpec
from models.specs.layers.normalization import BatchNormalization, Normalization

# Of the moving averages. Keras's 0.99 takes some 500 steps to forget its initial values, and small
# tables are trained in as many.
MOMENTUM = 0.9
# Hidden layers with a kernel: through so many of them a signal that fades or grows in each is lost,
# unless something normalizes it. Measured in 10 to 24 (decision 0013).
DEEP = 8


def add_batch_normalization(spec: ExperimentSpec) -> Changes:
    """BatchNormalization between each hidden layer with a kernel and its activation.

    Ioffe and Szegedy, "Batch Normalization" (2015), section 3.2: what goes into the activation is
    normalized, since its distribution is the more stable one. An activation within a layer becomes
    a layer of its own behind it. Layers that have a normalization of either kind stay as they are,
    and all do in batches of one row, which is the mean of its batch and would be normalized to 0.
    """
    own, bare = own_layers(spec), _not_normalized(spec)
    layers: list[LayerSpec] = []
    for index, layer in enumerate(own):
        layers.extend(_with_normalization(layer) if index in bare else [layer])
    return with_layers(layers) if bare else {}


def add_batch_normalization_if_deep(spec: ExperimentSpec) -> Changes:
    """The same, but in deep networks alone."""
    return add_batch_normalization(spec) if len(_not_normalized(spec)) >= DEEP else {}


def _not_normalized(spec: ExperimentSpec) -> frozenset[int]:
    """The hidden layers with a kernel whose output nothing normalizes, by index."""
    own = own_layers(spec) if spec.fit.batch_size > 1 else ()
    return frozenset(
        index
        for index, layer in enumerate(own[: first_not_hidden(spec)])
        if layer.has_kernel
        and not any(isinstance(each, Normalization) for each in followers(own, index))
    )


def _with_normalization(layer: LayerSpec) -> list[LayerSpec]:
    normalization = BatchNormalization(momentum=MOMENTUM)
    name = activation_of(layer)
    if name == "linear":
        return [layer, normalization]
    fields: dict[str, JsonValue] = layer.model_dump(mode="json") | {"activation": None}
    activation = Activation.model_validate({"layer": "Activation", "activation": name})
    return [type(layer).model_validate(fields), normalization, activation]
