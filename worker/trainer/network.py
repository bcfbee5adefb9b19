"""Turns a network spec into a Keras network, weight for weight the same for the same seed.

Prepares no data: the exported network gets its preprocessing elsewhere.
"""

import hashlib
import inspect
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from models.specs.compile import Precision
from models.specs.constraints import ConstraintSpec
from models.specs.initializers import InitializerSpec
from models.specs.layers.layer import LayerSpec, Shape
from models.specs.names import Tagged
from models.specs.regularizers import RegularizerSpec
from models.specs.shapes import layer_names


def build(
    layers: Sequence[LayerSpec],
    input_shape: Shape,
    seed: int,
    precision: Precision = "float32",
) -> keras.Model:
    """Build a functional network of these layers, the output layer included.

    Every initial weight and every random layer derives from the seed and the layer's name alone.
    So networks that share a named layer of one shape start it alike, which keeps comparisons fair.

    Args:
        layers: in order, at least one.
        input_shape: of one row, as models.specs.shapes.network_input_shape gives it.
        seed: of this training.
        precision: of what the layers compute, but for the last: probabilities and the numbers of a
            regression want more digits than 16 bits have (Keras's guide to mixed precision). The
            variables are float32 in any case.
    """
    inputs = keras.Input(input_shape, name="input_layer", dtype="float32")
    outputs = inputs
    policies = [precision] * (len(layers) - 1) + ["float32"]
    for layer, name, policy in zip(layers, layer_names(layers), policies, strict=True):
        outputs = _keras_layer(layer, name, seed, policy)(outputs)
    return keras.Model(inputs, outputs, name="network")


def derived_seed(seed: int, *parts: object) -> int:
    """Derive an independent seed of 31 bits for one part of a training."""
    text = "/".join(map(str, (seed, *parts)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1


def _keras_layer(layer: LayerSpec, name: str, seed: int, policy: str) -> keras.Layer:
    cls = getattr(keras.layers, layer.keras_name)
    arguments = {
        field: _keras_part(value, derived_seed(seed, name, field))
        for field, value in layer.arguments().items()
    }
    if "data_format" in arguments:
        # Not left to the configuration file of whoever runs the worker.
        arguments["data_format"] = "channels_last"
    if "seed" in inspect.signature(cls).parameters:
        arguments["seed"] = derived_seed(seed, name)
    if cls is keras.layers.BatchNormalization:
        # Of several devices, each normalizes by the whole batch, as one alone would.
        arguments["synchronized"] = tf.distribute.has_strategy()
    return cls(**arguments | {"name": name, "dtype": policy})


def _keras_part(value: object, seed: int) -> Any:
    """Turn an initializer, regularizer or constraint into Keras's; leave plain values alone."""
    match value:
        case InitializerSpec():
            return _initializer(value, seed)
        case RegularizerSpec():
            return _instance(keras.regularizers, value)
        case ConstraintSpec():
            return _instance(keras.constraints, value)
    return value


def _initializer(spec: InitializerSpec, seed: int) -> Any:
    cls = getattr(keras.initializers, spec.keras_name)
    seeded = {"seed": seed} if "seed" in inspect.signature(cls).parameters else {}
    return cls(**spec.arguments(), **seeded)


def _instance(namespace: Any, spec: Tagged) -> Any:
    return getattr(namespace, spec.keras_name)(**spec.arguments())
