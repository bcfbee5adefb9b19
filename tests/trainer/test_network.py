"""The same spec and seed give the same network, and what a spec says reaches Keras."""

import json
from typing import Any

import keras
import numpy as np

from models.specs.network import NetworkSpec
from worker.trainer.network import build

DENSE = {"layer": "Dense", "units": 5, "activation": "relu", "kernel_initializer": "he_normal"}
CONV = {"layer": "Conv2D", "filters": 4, "kernel_size": 3}
DROPOUT = {"layer": "Dropout", "rate": 0.5}


def network(*layers: dict[str, Any], shape: tuple[int, ...] = (6,), seed: int = 1) -> keras.Model:
    return build(NetworkSpec.model_validate({"layers": layers}).layers, shape, seed)


def same(first: keras.Layer, second: keras.Layer) -> bool:
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_a_seed_decides_every_initial_weight() -> None:
    layers = (CONV, {"layer": "Flatten"}, DENSE, DENSE)
    first, again = (network(*layers, shape=(8, 8, 1)) for _ in range(2))
    other = network(*layers, shape=(8, 8, 1), seed=2)
    assert same(first, again)
    assert not same(first.get_layer("conv2d"), other.get_layer("conv2d"))
    assert not same(first.get_layer("dense_1"), other.get_layer("dense_1"))


def test_layers_of_one_network_start_differently() -> None:
    square = DENSE | {"units": 6}
    built = network(square, square)
    assert not same(built.get_layer("dense"), built.get_layer("dense_1"))


def test_networks_that_share_a_layer_start_it_alike() -> None:
    plain, dropped = network(DENSE, DENSE), network(DENSE, DROPOUT, DENSE, DENSE)
    assert same(plain.get_layer("dense"), dropped.get_layer("dense"))
    assert same(plain.get_layer("dense_1"), dropped.get_layer("dense_1"))


def test_a_seed_decides_what_random_layers_draw() -> None:
    rows = np.ones((4, 6), dtype="float32")
    drawn = [
        keras.ops.convert_to_numpy(network(DROPOUT, seed=seed)(rows, training=True))
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_every_argument_reaches_keras() -> None:
    built = network(
        {
            "layer": "Dense",
            "name": "mine",
            "units": 5,
            "activation": "tanh",
            "use_bias": False,
            "kernel_initializer": {"initializer": "RandomNormal", "stddev": 0.25},
            "kernel_regularizer": {"regularizer": "L1L2", "l1": 0.5, "l2": 0.25},
            "activity_regularizer": "l1",
            "kernel_constraint": {"constraint": "MaxNorm", "max_value": 3.0, "axis": 1},
        }
    )
    config = built.get_layer("mine").get_config()
    assert (config["units"], config["activation"], config["use_bias"]) == (5, "tanh", False)
    assert config["kernel_initializer"]["config"]["stddev"] == 0.25
    assert config["kernel_regularizer"]["config"] == {"l1": 0.5, "l2": 0.25}
    assert config["activity_regularizer"]["class_name"] == "L1"
    assert config["kernel_constraint"]["config"] == {"max_value": 3.0, "axis": 1}


def test_channels_are_last_whatever_the_machine_is_set_to() -> None:
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        built = network(CONV, {"layer": "MaxPooling2D"}, shape=(8, 8, 1))
    finally:
        keras.config.set_image_data_format(before)
    assert built.output_shape == (None, 3, 3, 4)


def test_a_penalty_is_part_of_the_loss() -> None:
    built = network(DENSE | {"kernel_regularizer": {"regularizer": "L2", "l2": 0.5}})
    kernel = built.get_layer("dense").get_weights()[0]
    assert np.isclose(float(built.losses[0]), 0.5 * np.square(kernel).sum())


def test_a_spec_survives_being_written_and_read() -> None:
    sent = {"layers": [DENSE, CONV | {"kernel_regularizer": "l2"}, DROPOUT], "output": "given"}
    spec = NetworkSpec.model_validate(sent)
    written = json.loads(spec.model_dump_json())
    assert NetworkSpec.model_validate(written) == spec
    assert written["layers"][0]["kernel_initializer"] == "he_normal"
    assert spec.model_dump(mode="json", exclude_unset=True) == {
        "layers": [DENSE, CONV | {"kernel_regularizer": "l2", "kernel_size": [3, 3]}, DROPOUT],
        "output": "given",
    }
