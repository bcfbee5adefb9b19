"""What repairs do to layers: ReLU where it goes flat, a normalization before each activation."""

from typing import Any

import jsonpatch
import pytest

from health.judge import judge
from health.repairs.layers import reinitialize, reinitialize_ill_drawn, use_relu
from health.repairs.normalization import (
    add_batch_normalization,
    add_batch_normalization_if_deep,
)
from health.repairs.regularization import add_dropout
from models.resolve import complete
from models.specs.experiment import ExperimentSpec
from models.specs.initializers import GlorotUniform, HeNormal, Zeros
from models.specs.layers.core import Dense
from models.trial import changed
from tests.health.courses import FACTS, course, hidden, measurement, paired, spec, with_output_layer

HE: dict[str, Any] = {"layer": "Dense", "units": 4, "kernel_initializer": "he_normal"}

NORMAL = {"layer": "BatchNormalization"}
DROPOUT = {"layer": "Dropout", "rate": 0.5}


def dense(units: int) -> dict[str, Any]:
    return {"layer": "Dense", "units": units, "activation": "relu"}


def network(*layers: dict[str, Any], output: str = "auto") -> ExperimentSpec:
    return spec(network={"layers": list(layers), "output": output})


def kinds(experiment: ExperimentSpec) -> list[str]:
    """The layers by name, with their activations."""
    assert experiment.network is not None
    return [
        f"{layer.keras_name} {getattr(layer, 'activation', None) or ''}".strip()
        for layer in experiment.network.layers
    ]


BEFORE_AND_AFTER: tuple[tuple[list[dict[str, Any]], list[str]], ...] = (
    (
        [{**HE, "activation": "tanh"}, {"layer": "Dropout", "rate": 0.5}],
        ["Dense", "BatchNormalization", "Activation tanh", "Dropout"],
    ),
    ([HE, {"layer": "LeakyReLU"}], ["Dense", "BatchNormalization", "LeakyReLU"]),
    (
        [{**HE, "activation": "relu"}, {"layer": "LayerNormalization"}, HE],
        ["Dense relu", "LayerNormalization", "Dense", "BatchNormalization"],
    ),
)


@pytest.mark.parametrize(("layers", "expected"), BEFORE_AND_AFTER)
def test_each_hidden_layer_that_has_none_gets_a_normalization(
    layers: list[dict[str, Any]], expected: list[str]
) -> None:
    before = network(*layers)

    after = changed(before, add_batch_normalization(before))

    assert kinds(after) == expected
    assert add_batch_normalization(after) == {}
    complete(after, FACTS)


@pytest.mark.parametrize(("layers", "is_deep"), [(8, True), (7, False)])
def test_a_deep_network_that_learned_nothing_is_normalized(layers: int, *, is_deep: bool) -> None:
    stack = network(*[{**HE, "activation": "relu"}] * layers)
    seen = [measurement(n, loss=1.1) for n in (0, 1, 11)]

    findings = judge(course(stack, measurements=seen), spec=stack, changes={}).findings

    (nothing,) = (each for each in findings if each.code == "learned_nothing")
    assert ("BatchNormalization" in kinds(applied(nothing.patch, stack))) is is_deep


def test_what_is_trained_row_by_row_is_not_normalized_by_its_batches() -> None:
    one = spec(network={"layers": [dense(16)] * 8}, fit={"batch_size": 1})

    assert add_batch_normalization(one) == add_batch_normalization_if_deep(one) == {}


def test_the_output_is_not_normalized() -> None:
    output = {"layer": "Dense", "units": 3, "activation": "softmax"}
    before = network({**HE, "activation": "relu"}, output, output="given")

    after = changed(before, add_batch_normalization(before))

    assert kinds(after)[-2:] == ["Activation relu", "Dense softmax"]
    assert kinds(after).count("BatchNormalization") == 1


def test_what_does_not_go_flat_keeps_its_activation() -> None:
    bent = network(*({**HE, "activation": name} for name in ("tanh", "leaky_relu", "gelu")))

    assert kinds(changed(bent, use_relu(bent))) == ["Dense relu", "Dense leaky_relu", "Dense gelu"]


def test_dead_units_keep_weights_that_are_drawn_to_size() -> None:
    """At a rate that suits Keras's usual weights He's may diverge."""
    buried = {"bias_initializer": {"initializer": "Constant", "value": -10.0}}
    wild = {"kernel_initializer": {"initializer": "RandomNormal", "stddev": 10.0}}
    dead = network(dense(10) | buried, dense(10) | buried | wild)
    seen = [measurement(n, layers=[hidden(dead=1.0)], loss=1.1) for n in (0, 1, 11)]

    finding = judge(course(dead, measurements=seen), spec=dead, changes={}).findings[0]

    assert finding.code == "dead_neurons"
    repaired = applied(finding.patch, dead).network
    assert repaired is not None
    first, second = (each for each in repaired.layers if isinstance(each, Dense))
    assert first.kernel_initializer == second.kernel_initializer == GlorotUniform()
    assert first.bias_initializer == second.bias_initializer == Zeros()


@pytest.mark.parametrize(("layers", "initializer"), [(7, GlorotUniform()), (8, HeNormal())])
def test_dead_units_of_a_deep_network_get_hes_weights(layers: int, initializer: object) -> None:
    deep = network(*(dense(10) for _ in range(layers)))

    repaired = changed(deep, reinitialize_ill_drawn(deep)).network

    assert repaired is not None
    assert all(getattr(each, "kernel_initializer", None) == initializer for each in repaired.layers)


@pytest.mark.parametrize(("activation", "kind"), [("tanh", "Dense relu"), ("relu", "Dense")])
def test_gradients_that_vanish_behind_relu_and_hes_weights_are_normalized(
    activation: str, kind: str
) -> None:
    plain = network({**HE, "activation": activation})
    begun = changed(plain, reinitialize(plain)) if activation == "relu" else plain
    seen = [measurement(n, layers=[hidden(kernel_gradient=1e-5)], loss=1.1) for n in (0, 1, 11)]
    judged = with_output_layer(course(begun, measurements=seen), kernel_gradient=1.0)

    finding = judge(judged, spec=begun, changes={}).findings[0]

    assert finding.code == "vanishing_gradients"
    assert kinds(applied(finding.patch, begun))[0] == kind
    assert ("BatchNormalization" in kinds(applied(finding.patch, begun))) is (kind == "Dense")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([dense(512)], ["Dense relu 512", "Dropout"]),
        ([dense(512), DROPOUT], ["Dense relu 128", "Dropout"]),
        (
            [
                {**HE, "units": 256},
                {"layer": "BatchNormalization"},
                {"layer": "LeakyReLU"},
                dense(8),
            ],
            ["Dense 256", "BatchNormalization", "LeakyReLU", "Dropout", "Dense relu 8"],
        ),
        ([dense(210)], ["Dense relu 210", "Dropout"]),
        ([dense(209), dense(128)], []),  # 210 rows are trained on
    ],
)
def test_overfitting_whose_best_weights_are_handed_out_is_for_dropout_then_for_fewer_units(
    layers: list[dict[str, Any]], expected: list[str]
) -> None:
    learned = network(*layers)
    seen = [measurement(0), measurement(1, loss=0.5), measurement(11, since_best=paired(0.1))]

    (finding,) = judge(course(learned, measurements=seen), spec=learned, changes={}).findings

    assert (finding.code, finding.severity) == ("overfitting", "info")
    repaired = applied(finding.patch, learned)
    assert (sizes(repaired) if finding.patch else []) == expected


@pytest.mark.parametrize(("units", "is_wide"), [(63, False), (64, True)])
def test_of_few_rows_only_a_layer_of_many_units_is_wide(units: int, *, is_wide: bool) -> None:
    assert bool(add_dropout(rows=20)(network(dense(units)))) is is_wide


def sizes(experiment: ExperimentSpec) -> list[str]:
    assert experiment.network is not None
    units = [getattr(layer, "units", "") for layer in experiment.network.layers]
    return [f"{kind} {each}".strip() for kind, each in zip(kinds(experiment), units, strict=True)]


def applied(patch: Any, experiment: ExperimentSpec) -> ExperimentSpec:
    document: Any = jsonpatch.apply_patch(experiment.model_dump(mode="json"), list(patch))
    return ExperimentSpec.model_validate(document)
