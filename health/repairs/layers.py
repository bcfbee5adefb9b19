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


def activate(activation: str, layers: Collection[str] | None = None) -> Repair:
    """Another activation for these hidden layers, or for all that bend what they put out."""

    def repair(spec: ExperimentSpec) -> Changes:
        own = own_layers(spec)
        names = layer_names(own)
        last = first_not_hidden(spec)
        return {
            f"network.layers.{index}.activation": activation
            for index, (layer, name) in enumerate(zip(own, names, strict=True))
            if index < last
            and (layers is None or name in layers)
            and getattr(layer, "activation", None) not in {None, "linear"}
        }

    return repair


def activation_after(layers: tuple[LayerSpec, ...], index: int) -> str:
    """What bends the output of a layer: its own activation, or the next layer that is one."""
    for distance, layer in enumerate(layers[index:]):
        if distance and hasattr(layer, "kernel_initializer"):
            break
        if activation_of(layer) != "linear":
            return activation_of(layer)
    return "linear"
