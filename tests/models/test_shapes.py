"""Shapes without Keras: what no layer can take, how large a network may be, how it starts."""

from typing import Any

import pytest

from models.errors import Invalid
from models.specs.network import NetworkSpec
from models.specs.shapes import Summary, infer, layer_names, network_input_shape

Json = dict[str, Any]
CONV = {"layer": "Conv2D", "filters": 4, "kernel_size": 3}


def layers(*given: Json) -> tuple[Any, ...]:
    return NetworkSpec.model_validate({"layers": given}).layers


def inferred(shape: tuple[int, ...], *given: Json) -> Summary:
    return infer(layers(*given), shape)


@pytest.mark.parametrize(
    ("shape", "layer", "where", "says"),
    [
        ((8, 8, 1), CONV | {"kernel_size": [3, 9]}, "/kernel_size", "(3, 9)"),
        ((8, 8, 1), CONV | {"kernel_size": 3, "dilation_rate": 4}, "/kernel_size", "(9, 9)"),
        ((8, 8, 1), CONV | {"strides": 2, "dilation_rate": 2}, "/strides", "exclude"),
        ((8, 8, 3), CONV | {"groups": 2}, "/groups", "3 input channels"),
        ((8, 8, 4), CONV | {"groups": 3}, "/groups", "divide"),
        ((64,), CONV, "", "Reshape layer to (height, width, channels)"),
        ((64,), {"layer": "MaxPooling1D"}, "", "Reshape layer to (steps, channels)"),
        ((8, 8, 1), {"layer": "MaxPooling2D", "pool_size": 9}, "/pool_size", "larger"),
        ((64,), {"layer": "Reshape", "target_shape": [8, 9]}, "/target_shape", "64 numbers"),
        ((64,), {"layer": "Reshape", "target_shape": [-1, -1]}, "/target_shape", "at most one"),
        ((64,), {"layer": "BatchNormalization", "axis": 2}, "/axis", "from 1"),
        ((8, 8), {"layer": "LayerNormalization", "axis": [1, -2]}, "/axis", "twice"),
        ((8, 8, 1), CONV | {"kernel_initializer": "identity"}, "/kernel_initializer", "2 axes"),
        (
            (9,),
            {"layer": "Dense", "units": 3, "bias_initializer": "orthogonal"},
            "/bias_initializer",
            "2 axes",
        ),
        (
            (8, 8, 1),
            CONV | {"kernel_regularizer": "orthogonal_regularizer"},
            "/kernel_regularizer",
            "2 axes",
        ),
        (
            (9,),
            {
                "layer": "Dense",
                "units": 3,
                "kernel_constraint": {"constraint": "UnitNorm", "axis": 2},
            },
            "/kernel_constraint/axis",
            "no axis 2",
        ),
        ((9_000, 9_000, 1), {"layer": "ZeroPadding2D", "padding": 1000}, "", "121,000,000 numbers"),
    ],
)
def test_a_layer_that_cannot_take_its_input_is_pointed_at(
    shape: tuple[int, ...], layer: Json, where: str, says: str
) -> None:
    with pytest.raises(Invalid) as caught:
        inferred(shape, {"layer": "Dropout", "rate": 0.1}, layer)
    (issue,) = caught.value.issues
    assert issue.pointer == f"/network/layers/1{where}"
    assert issue.code == "shape_mismatch"
    assert says in issue.message
    assert issue.message.endswith(".")


def test_a_network_of_a_million_million_parameters_is_refused_at_its_largest_layer() -> None:
    wide = {"layer": "Dense", "units": 65_536}
    with pytest.raises(Invalid) as caught:
        inferred((10,), {"layer": "Dense", "units": 10}, *[wide] * 300)
    (issue,) = caught.value.issues
    assert (issue.pointer, issue.code) == ("/network/layers/2", "too_many_parameters")
    assert "500,000,000" in issue.message


def test_layers_are_named_as_in_a_fresh_keras() -> None:
    dense, flat = {"layer": "Dense", "units": 1}, {"layer": "Flatten"}
    mine = dense | {"name": "dense_1"}
    given = (dense, flat, dense, mine, {"layer": "MaxPooling2D"}, {"layer": "ELU"})
    names = ("dense", "flatten", "dense_2", "dense_1", "max_pooling2d", "elu")
    assert layer_names(layers(*given)) == names


def test_two_layers_of_one_name_are_refused() -> None:
    flat = {"layer": "Flatten", "name": "x"}
    with pytest.raises(Invalid) as caught:
        inferred((10,), flat, flat)
    assert [issue.pointer for issue in caught.value.issues] == ["/network/layers/1/name"]


NOISE = {"layer": "GaussianNoise", "stddev": 0.1}
NORM = {"layer": "BatchNormalization"}
DENSE = {"layer": "Dense", "units": 3}


@pytest.mark.parametrize(
    ("data", "given", "shape"),
    [
        ((28, 28), [DENSE], (784,)),
        ((28, 28), [], (784,)),
        ((28, 28), [NOISE, NORM, DENSE], (784,)),
        ((28, 28), [CONV], (28, 28, 1)),
        ((28, 28), [NORM, NOISE, CONV], (28, 28, 1)),
        ((28, 28, 3), [CONV], (28, 28, 3)),
        ((28, 28, 3), [DENSE], (2352,)),
        ((28, 28), [{"layer": "Flatten"}, DENSE], (28, 28)),
        ((28, 28), [{"layer": "Reshape", "target_shape": [28, 28]}, DENSE], (28, 28)),
        ((28, 28), [{"layer": "Conv1D", "filters": 2, "kernel_size": 3}], (28, 28)),
        ((100,), [{"layer": "Conv1D", "filters": 2, "kernel_size": 3}], (100, 1)),
        ((100,), [CONV], (100,)),
        ((10,), [DENSE], (10,)),
    ],
)
def test_rows_come_in_the_shape_that_the_first_layer_needs(
    data: tuple[int, ...], given: list[Json], shape: tuple[int, ...]
) -> None:
    assert network_input_shape(layers(*given), data) == shape


def test_a_thousand_layers_are_inferred_at_once() -> None:
    summary = inferred((10,), *[{"layer": "Dense", "units": 10}] * 1000)
    assert summary.parameters == 110_000
