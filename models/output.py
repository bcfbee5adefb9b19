"""Completes a network that leaves its end to the target: "output": "auto" and "loss": "auto".

The rule: probabilities over the classes by softmax and cross-entropy, a plain number by squared
error. A loss that is given decides the output layer; metrics that cannot read class numbers decide
how the target is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models.facts import DataFacts
from models.specs.compile import CompileSpec
from models.specs.layers.core import ELU, Dense, Flatten, LeakyReLU, Reshape
from models.specs.layers.layer import LayerSpec, Shape
from models.specs.losses import (
    AnyLoss,
    Auto,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Encoding,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from models.specs.network import AnyLayer, NetworkSpec

OUTPUT_NAME = "output"
_PAIR = 2

NEVER_NEGATIVE = {
    *("relu", "relu6", "softplus", "exponential", "sparse_plus", "squareplus"),
    *("sigmoid", "hard_sigmoid", "sparse_sigmoid", "softmax", "sparsemax"),
}
"""The activations that put out nothing below zero."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a network ends in.

    Attributes:
        shape: of one row's output.
        activation: of the last layer, by Keras's name; "linear" without one.
        index: of the layer that has the activation; -1 in a network without layers.
    """

    shape: Shape
    activation: str
    index: int


def output_of(layers: Sequence[LayerSpec], shape: Shape) -> Output:
    """Look at the end of a network; Flatten and Reshape change no value, so it is before them."""
    index = len(layers) - 1
    while index > 0 and isinstance(layers[index], Flatten | Reshape):
        index -= 1
    return Output(shape, activation_of(layers[index]) if layers else "linear", index)


def chosen_loss(compiled: CompileSpec, facts: DataFacts, given: Output | None) -> AnyLoss:
    """Return the loss that the spec names, or the one that target, metrics and output need.

    Two classes and one output, or metrics of one probability (AUC, precision, ...): binary
    cross-entropy. Otherwise categorical cross-entropy, from class numbers unless a metric needs
    one column a class; from logits if a given output layer has no softmax.
    """
    if not isinstance(compiled.loss, Auto):
        return compiled.loss
    if facts.classes is None:
        return MeanSquaredError()
    logits = given is not None and given.activation == "linear"
    losses: dict[Encoding, AnyLoss] = {
        "sparse": SparseCategoricalCrossentropy(from_logits=logits),
        "binary": BinaryCrossentropy(),
        "one_hot": CategoricalCrossentropy(from_logits=logits),
    }
    if len(facts.classes) != _PAIR or (given is not None and given.shape != (1,)):
        del losses["binary"]
    elif given is not None:
        return losses["binary"]
    return next(
        (
            loss
            for encoding, loss in losses.items()
            if all(encoding in metric.encodings for metric in compiled.metrics)
        ),
        losses["sparse"],
    )


def output_layers(
    layers: Sequence[AnyLayer], shape: Shape, loss: AnyLoss, facts: DataFacts
) -> tuple[AnyLayer, ...]:
    """Return what "auto" appends to layers that end in this shape.

    A Dense layer with the units and the activation that the loss needs; before it Flatten, where
    rows are not flat yet.
    """
    activation = next(iter(loss.accepted_activations), "linear")
    dense = Dense.model_validate(
        {
            "layer": "Dense",
            "units": units_for(loss, facts),
            "activation": None if activation == "linear" else activation,
            "name": None if any(layer.name == OUTPUT_NAME for layer in layers) else OUTPUT_NAME,
        }
    )
    return (dense,) if len(shape) == 1 else (Flatten(), dense)


def units_for(loss: AnyLoss, facts: DataFacts) -> int:
    """Count the numbers that the last layer must put out a row."""
    if loss.encoding == "number":
        return facts.outputs
    return 1 if loss.encoding == "binary" else len(facts.classes or ())


def given(layers: Sequence[AnyLayer]) -> NetworkSpec:
    """Write these layers as a network that is complete."""
    return NetworkSpec(layers=tuple(layers), output="given")


def activation_of(layer: LayerSpec) -> str:
    """The activation that a layer applies, by Keras's name; "linear" where it applies none."""
    if isinstance(layer, LeakyReLU | ELU):
        return "leaky_relu" if isinstance(layer, LeakyReLU) else "elu"
    return getattr(layer, "activation", None) or "linear"
