"""Updates by kernels against Keras's own, from the same gradients."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.specs.compile import CompileSpec
from models.specs.network import NetworkSpec
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network

STEPS = 30
# Plain gradient descent is the same to the last bit but one; 1 - beta is not (see fused.allows).
ROUNDED = 1e-6
ROUNDED_OTHERWISE = 5e-5

SETTINGS: list[tuple[dict[str, Any], float]] = [
    ({"optimizer": "SGD"}, ROUNDED),
    ({"optimizer": "SGD", "momentum": 0.9}, ROUNDED),
    ({"optimizer": "SGD", "momentum": 0.9, "nesterov": True, "clipnorm": 0.5}, ROUNDED),
    ({"optimizer": "Adam"}, ROUNDED_OTHERWISE),
    ({"optimizer": "Adam", "amsgrad": True, "weight_decay": 0.01}, ROUNDED_OTHERWISE),
    ({"optimizer": "AdamW", "clipvalue": 0.1, "epsilon": 1e-3}, ROUNDED_OTHERWISE),
    (
        {
            "optimizer": "Adam",
            "beta_1": 0.5,
            "learning_rate": {
                "schedule": "ExponentialDecay",
                "initial_learning_rate": 0.01,
                "decay_steps": 3,
                "decay_rate": 0.5,
            },
        },
        ROUNDED_OTHERWISE,
    ),
]


def compiled(optimizer: dict[str, Any], layers: list[Any] | None = None, **how: Any) -> Any:
    layers = layers or [{"layer": "Dense", "units": 3}, {"layer": "Dense", "units": 2}]
    spec = CompileSpec.model_validate({"optimizer": optimizer, "loss": "mean_squared_error"})
    network = build(_layers(layers), (5,), seed=3)
    compile_network(network, spec, **how)
    return network


def _layers(layers: list[Any]) -> Any:
    return NetworkSpec.model_validate({"layers": layers, "output": "given"}).layers


def step_of(network: keras.Model) -> Any:
    def step(gradients: list[tf.Tensor]) -> None:
        network.optimizer.apply(gradients, network.trainable_variables)

    return tf.function(step, autograph=False)


@pytest.mark.parametrize(("setting", "within"), SETTINGS, ids=str)
def test_a_kernel_makes_the_steps_that_keras_makes(setting: dict[str, Any], within: float) -> None:
    fused, plain = compiled(setting), compiled(setting, plain=True)
    by_kernel, by_keras = step_of(fused), step_of(plain)
    random = np.random.default_rng(1)

    for _ in range(STEPS):
        gradients = [
            tf.constant(random.normal(size=each.shape), tf.float32)
            for each in plain.trainable_variables
        ]
        by_kernel(gradients)
        by_keras(gradients)

    pairs = zip(
        [*fused.variables, *fused.optimizer.variables],
        [*plain.variables, *plain.optimizer.variables],
        strict=True,
    )
    for mine, theirs in pairs:
        assert mine.path.split("/")[-1] == theirs.path.split("/")[-1]
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=within, atol=within)


@pytest.mark.parametrize("setting", [setting for setting, _ in SETTINGS], ids=str)
def test_every_variable_is_updated_by_one_kernel(setting: dict[str, Any]) -> None:
    network = compiled(setting)
    gradients = [tf.ones(each.shape) for each in network.trainable_variables]

    graph = step_of(network).get_concrete_function(gradients).graph
    kernels = [each for each in graph.get_operations() if each.type.startswith("ResourceApply")]

    assert len(kernels) == len(gradients)


def test_a_network_that_normalizes_keeps_the_updates_of_keras() -> None:
    layers = [{"layer": "Dense", "units": 3}, {"layer": "BatchNormalization"}]
    assert type(compiled({"optimizer": "Adam"}, layers).optimizer) is keras.optimizers.Adam


def test_a_sparse_gradient_is_applied_by_keras() -> None:
    fused, plain = compiled({"optimizer": "Adam"}), compiled({"optimizer": "Adam"}, plain=True)
    for network in (fused, plain):
        kernel, *others = network.trainable_variables
        sparse = tf.IndexedSlices(tf.ones((1, kernel.shape[1])), tf.constant([2]), kernel.shape)
        network.optimizer.apply([sparse, *(tf.zeros(each.shape) for each in others)])

    np.testing.assert_array_equal(fused.get_weights()[0], plain.get_weights()[0])
    assert np.ptp(fused.get_weights()[0]) > 0
