"""Repairs within the layers: their activations and their initial weights."""

from collections.abc import Collection

from pydantic import JsonValue

from health.repairs.normalization import DEEP
from health.repairs.own_layers import first_not_hidden, followers, own_layers
from health.repairs.repair import Changes, Repair
from models.output import activation_of
from models.specs.experiment import ExperimentSpec
from models.specs.initializers import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
)
from models.specs.layers.layer import LayerSpec
from models.specs.shapes import layer_names

_RELU_LIKE = {"relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "swish", "mish"}

_DRAWN_TO_SIZE = (GlorotNormal, GlorotUniform, HeNormal, HeUniform, LecunNormal, LecunUniform)


def reinitialize(spec: ExperimentSpec) -> Changes:
    """Initial weights by which a signal keeps its size through many layers, and biases of 0.

    He et al., "Delving Deep into Rectifiers" (2015), for ReLU and its kin; Glorot and Bengio (2010)
    for the others.
    """
    own = own_layers(spec)
    return _zeroed_biases(own) | {
        f"network.layers.{index}.kernel_initializer": "he_normal"
        if _activation_after(own, index) in _RELU_LIKE
        else "glorot_uniform"
        for index, layer in enumerate(own)
        if layer.has_kernel
    }


def reinitialize_ill_drawn(spec: ExperimentSpec) -> Changes:
    """Keras's usual weights where they are not drawn to the layer's size, and biases of 0.

    He's are larger, and at a rate that was chosen for the usual ones a training mostly ends a
    little worse and may diverge. A deep network needs them all the same (decision 0013).
    """
    own = own_layers(spec)
    if sum(layer.has_kernel for layer in own[: first_not_hidden(spec)]) >= DEEP:
        return reinitialize(spec)
    return _zeroed_biases(own) | {
        f"network.layers.{index}.kernel_initializer": "glorot_uniform"
        for index, layer in enumerate(own)
        if layer.has_kernel
        and not isinstance(getattr(layer, "kernel_initializer", None), _DRAWN_TO_SIZE)
    }


def use_relu(spec: ExperimentSpec) -> Changes:
    """ReLU in the hidden layers whose activation goes flat; its kin stay as they are."""
    return {at: "relu" for at, (_, now) in _activations(spec).items() if now not in _RELU_LIKE}


def use_activation(activation: str, layers: Collection[str]) -> Repair:
    """Another activation for these hidden layers, by name; linear ones stay so."""

    def repair(spec: ExperimentSpec) -> Changes:
        return {at: activation for at, (name, _) in _activations(spec).items() if name in layers}

    return repair


def _zeroed_biases(own: tuple[LayerSpec, ...]) -> dict[str, JsonValue]:
    return {
        f"network.layers.{index}.bias_initializer": "zeros"
        for index, layer in enumerate(own)
        if layer.has_kernel and getattr(layer, "use_bias", False)
    }


def _activation_after(own: tuple[LayerSpec, ...], index: int) -> str:
    """A layer's own activation, or that of the next layer which is one."""
    found = (activation_of(layer) for layer in (own[index], *followers(own, index)))
    return next((each for each in found if each != "linear"), "linear")


def _activations(spec: ExperimentSpec) -> dict[str, tuple[str, str]]:
    """Where in the spec a hidden layer's activation is: the layer's name, and what it is now."""
    own = own_layers(spec)
    hidden = tuple(zip(own, layer_names(own), strict=True))[: first_not_hidden(spec)]
    return {
        f"network.layers.{index}.activation": (name, activation)
        for index, (layer, name) in enumerate(hidden)
        if (activation := getattr(layer, "activation", None) or "linear") != "linear"
    }
