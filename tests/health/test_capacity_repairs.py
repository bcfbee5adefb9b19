"""More and fewer units: in every hidden layer, and never in the output."""

from typing import Any

import pytest

from health.repairs.capacity import add_hidden_layer, narrower, wider
from health.repairs.repair import Repair
from models.specs.experiment import ExperimentSpec
from models.trial import changed
from tests.health.courses import spec

OUTPUT = {"layer": "Dense", "units": 3, "activation": "softmax"}


def dense(units: int) -> dict[str, Any]:
    return {"layer": "Dense", "units": units, "activation": "relu"}


def conv(filters: int, **arguments: Any) -> dict[str, Any]:
    return {"layer": "Conv2D", "filters": filters, "kernel_size": 3} | arguments


def given(*layers: dict[str, Any]) -> ExperimentSpec:
    return spec(network={"layers": [*layers, OUTPUT], "output": "given"})


def sizes(repair: Repair, experiment: ExperimentSpec) -> list[int]:
    """Of the layers that have any, after the repair."""
    repaired = changed(experiment, repair(experiment))
    assert repaired.network is not None
    found = (
        getattr(each, "units", getattr(each, "filters", 0)) for each in repaired.network.layers
    )
    return [each for each in found if each]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((dense(64), dense(1), dense(2)), [64, 64, 64, 3]),  # the narrow ones alone
        ((dense(1),), [32, 3]),
        ((dense(8), dense(500)), [500, 500, 3]),
        ((dense(9), dense(500), dense(3000)), [36, 1024, 3000, 3]),
        ((conv(6), {"layer": "Flatten"}, dense(40)), [24, 160, 3]),
        ((conv(6, groups=3),), [24, 3]),
        ((conv(3), conv(1), dense(40)), [3, 16, 40, 3]),  # a convolution has other sizes
        ((conv(20), conv(2, layer="SeparableConv2D"), dense(8)), [20, 20, 32, 3]),
        ((conv(17), conv(2, groups=2)), [17, 18, 3]),
    ],
)
def test_hidden_layers_get_more_units(layers: Any, expected: list[int]) -> None:
    assert sizes(wider, given(*layers)) == expected


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((dense(512), dense(128)), [128, 32, 3]),
        ((dense(12), dense(4)), [8, 4, 3]),
        ((conv(48), conv(36, groups=6)), [12, 12, 3]),  # 9 are no 6 groups
    ],
)
def test_hidden_layers_get_fewer_units(layers: Any, expected: list[int]) -> None:
    assert sizes(narrower, given(*layers)) == expected


def test_an_output_that_is_appended_is_no_layer_of_the_client() -> None:
    assert sizes(wider, spec(network={"layers": [dense(8)]})) == [32]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [((), [64, 3]), ((dense(1),), [64, 64, 3]), (({"layer": "Flatten"},), [64, 3])],
)
def test_a_hidden_layer_is_put_before_the_output(layers: Any, expected: list[int]) -> None:
    assert sizes(add_hidden_layer(flatten=True), given(*layers)) == expected


@pytest.mark.parametrize("there", [(), ({"layer": "Flatten"},)])
def test_values_of_several_axes_are_put_in_a_row_first_and_once(there: Any) -> None:
    image = spec(network={"layers": list(there)})
    flat = changed(image, add_hidden_layer(flatten=True)(image))

    assert flat.network is not None
    assert [each.layer for each in flat.network.layers] == ["Flatten", "Dense"]
