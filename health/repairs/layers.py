"""Repairs within the layers: what bends their output, and what their weights begin at."""

from collections.abc import Collection

from pydantic import JsonValue

from health.repairs.own_layers import first_not_hidden, own_layers
from health.repairs.repair import Changes, Repair
from models.output import activation_of
from models.specs.experiment import ExperimentSpec
from models.specs.layers.layer import LayerSpec
from models.specs.shapes import layer_names

_RELU_LIKE = {"relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "swish", "mish"}


def start_afresh(spec: ExperimentSpec) -> Changes:
    """Draw initial weights as large as the layers' activations need, and begin at bias 0.

    He et al., "Delving Deep into Rectifiers" (2015), for ReLU and its kin; Glorot and Bengio (2010)
    for the others.
    """
    changes: dict[str, JsonValue] = {}
    for index, layer in enumerate(own_layers(spec)):
        if not hasattr(layer, "kernel_initializer"):
            continue
        like_relu = activation_after(own_layers(spec), index) in _RELU_LIKE
        at = f"network.layers.{index}"
        changes[f"{at}.kernel_initializer"] = "he_normal" if like_relu else "glorot_uniform"
        if getattr(layer, "use_bias", False):
            changes[f"{at}.bias_initializer"] = "zeros"
    return changes


def rectify(spec: ExperimentSpec) -> Changes:
    """ReLU in the hidden layers whose activation goes flat; its kin stay as they are."""
    return {
        at: "relu" for at, (_, activation) in _bent(spec).items() if activation not in _RELU_LIKE
    }


def activate(activation: str, layers: Collection[str]) -> Repair:
    """Another activation for these hidden layers."""

    def repair(spec: ExperimentSpec) -> Changes:
        return {at: activation for at, (name, _) in _bent(spec).items() if name in layers}

    return repair


def activation_after(layers: tuple[LayerSpec, ...], index: int) -> str:
    """What bends the output of a layer: its own activation, or the next layer that is one."""
    for distance, layer in enumerate(layers[index:]):
        if distance and hasattr(layer, "kernel_initializer"):
            break
        if activation_of(layer) != "linear":
            return activation_of(layer)
    return "linear"


def _bent(spec: ExperimentSpec) -> dict[str, tuple[str, str]]:
    """Where in the spec a hidden layer's activation is: the layer's name, and what it is now."""
    own = own_layers(spec)
    hidden = tuple(zip(own, layer_names(own), strict=True))[: first_not_hidden(spec)]
    return {
        f"network.layers.{index}.activation": (name, activation)
        for index, (layer, name) in enumerate(hidden)
        if (activation := getattr(layer, "activation", None) or "linear") != "linear"
    }
