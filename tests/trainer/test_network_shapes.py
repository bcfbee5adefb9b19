"""Shapes and parameters inferred without Keras are those of Keras, for every layer."""

from typing import Any, get_args

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from models.errors import Invalid
from models.specs.layers.layer import LayerSpec, Shape
from models.specs.names import tag_of
from models.specs.network import AnyLayer, Layer
from models.specs.shapes import Summary, infer
from worker.trainer.network import build

LAYER: TypeAdapter[LayerSpec] = TypeAdapter(Layer)
DRAWS = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

small = st.integers(1, 5)
flag = st.booleans()
activation = st.sampled_from([None, "relu", "softmax", "gelu"])
initializer = st.sampled_from(
    ["glorot_uniform", "HeNormal", {"initializer": "RandomNormal", "stddev": 0.1}, "orthogonal"]
)
regularizer = st.sampled_from([None, "l2", {"regularizer": "L1L2", "l1": 0.1, "l2": 0.2}])
constraint = st.sampled_from([None, "non_neg", {"constraint": "MaxNorm", "axis": 1}])
pair = small | st.tuples(small, small)
stride = st.sampled_from([1, 1, 1, 2, (2, 2), (1, 2), (3, 1)])
dilation = st.sampled_from([1, 1, 1, 2, (2, 2), (1, 2)])
padding = st.sampled_from(["valid", "same"])
axis = st.sampled_from([-1, -2, 1, 2, 3])

WEIGHTED = {"activation": activation, "use_bias": flag, "bias_regularizer": regularizer}
KERNEL = {
    "kernel_initializer": initializer,
    "kernel_regularizer": regularizer,
    "kernel_constraint": constraint,
}
CHANNELS = {
    "kernel_size": pair,
    "strides": stride,
    "padding": padding,
    "dilation_rate": dilation,
    "depth_multiplier": st.integers(1, 3),
    "depthwise_initializer": initializer,
    "depthwise_regularizer": regularizer,
    **WEIGHTED,
}
NORMALIZED = {"epsilon": st.sampled_from([1e-3, 0.1]), "center": flag, "scale": flag}
POOLED_1D = {"pool_size": small, "strides": st.none() | small, "padding": padding}
POOLED_2D = {"pool_size": pair, "strides": st.none() | pair, "padding": padding}

ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "Dense": {"units": st.integers(1, 9), **WEIGHTED, **KERNEL},
    "Activation": {"activation": st.sampled_from(["relu", "softmax", "softplus"])},
    "LeakyReLU": {"negative_slope": st.floats(0, 1)},
    "ELU": {"alpha": st.floats(0, 2)},
    "Dropout": {"rate": st.floats(0, 1)},
    "GaussianNoise": {"stddev": st.floats(0, 1)},
    "BatchNormalization": {"axis": axis, "momentum": st.just(0.9), **NORMALIZED},
    "LayerNormalization": {"axis": axis | st.lists(axis, min_size=1, max_size=3), **NORMALIZED},
    "Flatten": {},
    "Reshape": {
        "target_shape": st.lists(st.sampled_from([-1, 1, 1, 1, 2, 3, 6]), min_size=1, max_size=3)
        | st.sampled_from([(-1,), (-1, 1), (1, -1), (1, -1, 1)])
    },
    "Rescaling": {"scale": st.floats(-2, 2), "offset": st.floats(-2, 2)},
    "Conv1D": {
        "filters": st.integers(1, 6),
        "kernel_size": small,
        "strides": st.sampled_from([1, 1, 2, 3]),
        "padding": st.sampled_from(["valid", "same", "causal"]),
        "dilation_rate": st.sampled_from([1, 1, 2]),
        "groups": st.sampled_from([1, 1, 2, 3]),
        **WEIGHTED,
        **KERNEL,
    },
    "Conv2D": {
        "filters": st.integers(1, 6),
        "kernel_size": pair,
        "strides": stride,
        "padding": padding,
        "dilation_rate": dilation,
        "groups": st.sampled_from([1, 1, 2, 3]),
        **WEIGHTED,
        **KERNEL,
    },
    "SeparableConv2D": {"filters": st.integers(1, 6), **CHANNELS},
    "DepthwiseConv2D": CHANNELS,
    "MaxPooling1D": POOLED_1D,
    "AveragePooling1D": POOLED_1D,
    "MaxPooling2D": POOLED_2D,
    "AveragePooling2D": POOLED_2D,
    "GlobalAveragePooling1D": {"keepdims": flag},
    "GlobalAveragePooling2D": {"keepdims": flag},
    "GlobalMaxPooling2D": {"keepdims": flag},
    "ZeroPadding2D": {
        "padding": st.integers(0, 3)
        | st.tuples(st.integers(0, 3), st.integers(0, 3))
        | st.tuples(st.tuples(small, small), st.tuples(small, small))
    },
}
RANKS = {"image": 3, "sequence": 2}
SPECS: dict[str, type[LayerSpec]] = {tag_of(member): member for member in get_args(AnyLayer)}

# Keras builds these, but cannot train them: an axis that is named twice, or is the batch's.
OURS_ALONE = ("one axis twice", "is not one of the input")


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[LayerSpec], Shape]:
    """A convolutional net for a small image: some image layers, then a flat end."""
    image = [name for name, cls in SPECS.items() if cls.wants in {"any", "image"}]
    names = draw(st.lists(st.sampled_from(image), min_size=1, max_size=4))
    end = draw(st.sampled_from([("Flatten", "Dense"), ("Dense",), ("Reshape", "Conv1D")]))
    size = st.integers(6, 12)
    return [draw(layers(name)) for name in (*names, *end)], (draw(size), draw(size), draw(small))


@st.composite
def layers(draw: st.DrawFn, layer: str) -> LayerSpec:
    given = {name: draw(values) for name, values in ARGUMENTS[layer].items()}
    return LAYER.validate_python({"layer": layer, **given})


@st.composite
def cases(draw: st.DrawFn, layer: str) -> tuple[LayerSpec, Shape]:
    """A layer with drawn arguments, and an input that mostly has the axes it needs."""
    spec = draw(layers(layer))
    usual = RANKS.get(spec.wants)
    ranks = st.integers(1, 3) if usual is None else st.sampled_from([usual] * 9 + [1, 2, 3])
    rank = draw(ranks)
    shape = draw(st.lists(st.integers(1, 9), min_size=rank - 1, max_size=rank - 1))
    return spec, (*shape, draw(st.integers(1, 6)))


def train_once(network: keras.Model, shape: Shape) -> Shape:
    """Put two rows forward and their gradients back; return the shape of a row that came out."""
    rows = np.random.default_rng(1).normal(size=(2, *shape)).astype("float32")
    with tf.GradientTape() as tape:
        outputs = network(rows, training=True)
        loss = tf.reduce_sum(outputs)
    tape.gradient(loss, network.trainable_weights)
    return tuple(outputs.shape[1:])


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
@pytest.mark.parametrize("layer", ARGUMENTS)
def test_inferred_shape_and_parameters_are_those_keras_has(layer: str) -> None:
    accepted = 0

    @DRAWS
    @given(cases(layer))
    def check(case: tuple[LayerSpec, Shape]) -> None:
        nonlocal accepted
        spec, shape = case
        try:
            summary = infer([spec], shape)
        except Invalid as invalid:
            if not any(reason in str(invalid) for reason in OURS_ALONE):
                with pytest.raises((ValueError, IndexError, TypeError)):
                    build([spec], shape, seed=1)
            return
        accepted += 1
        check_against_keras([spec], shape, summary)

    check()
    assert accepted >= 12


def check_against_keras(layers: list[LayerSpec], shape: Shape, summary: Summary) -> None:
    network = build(layers, shape, seed=1)
    assert summary.output_shape == network.output_shape[1:]
    assert summary.parameters == network.count_params()
    learned = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    assert summary.trainable_parameters == learned
    for found, layer in zip(summary.layers, network.layers[1:], strict=True):
        assert (found.name, found.layer) == (layer.name, type(layer).__name__)
        assert found.output_shape == layer.output.shape[1:]
        assert found.parameters == layer.count_params()
    assert train_once(network, shape) == summary.output_shape


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
def test_whole_networks_are_inferred_as_keras_builds_them() -> None:
    accepted = 0

    @DRAWS
    @given(networks())
    def check(case: tuple[list[LayerSpec], Shape]) -> None:
        nonlocal accepted
        specs, shape = case
        try:
            summary = infer(specs, shape)
        except Invalid:
            return
        accepted += 1
        check_against_keras(specs, shape, summary)

    check()
    assert accepted >= 12


def test_every_layer_is_drawn() -> None:
    assert set(ARGUMENTS) == set(SPECS)
