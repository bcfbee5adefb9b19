"""A network that does not fit its target is refused at once, with what would be right."""

from typing import Any

import pytest

from models.errors import Invalid
from models.facts import DataFacts
from models.meaning import resolve
from models.network_meaning import Resolved, resolve_network
from models.specs.compile import CompileSpec
from models.specs.fit import FitSpec
from models.specs.losses import BinaryCrossentropy, CategoricalCrossentropy
from models.specs.network import NetworkSpec

Json = dict[str, Any]

DIGITS = DataFacts(
    input_shape=(8, 8), task="classification", classes=tuple("0123456789"), rows=1797
)
SURVIVED = DataFacts(input_shape=(10,), task="classification", classes=("0", "1"), rows=891)
THREE = DataFacts(input_shape=(4,), task="classification", classes=("a", "b", "c"), rows=150)
WAGES = DataFacts(input_shape=(9,), task="regression", classes=None, rows=534, target_maximum=44.5)
CHANGES = DataFacts(
    input_shape=(9,), task="regression", classes=None, rows=534, negative_target=True
)

HIDDEN = {"layer": "Dense", "units": 10, "activation": "relu"}
CONV = {"layer": "Conv2D", "filters": 4, "kernel_size": 3}


def dense(units: int, activation: str | None = None) -> Json:
    return {"layer": "Dense", "units": units, "activation": activation}


def resolved(
    facts: DataFacts, *layers: Json, output: str = "auto", loss: Any = "auto", metrics: Any = ()
) -> Resolved:
    network = NetworkSpec.model_validate({"layers": layers, "output": output})
    compiled = CompileSpec.model_validate({"loss": loss, "metrics": metrics})
    return resolve_network(network, compiled, facts)


def refused(facts: DataFacts, *layers: Json, **fields: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        resolved(facts, *layers, **fields)
    assert all(issue.message.endswith(".") for issue in caught.value.issues)
    return [(issue.pointer, issue.code) for issue in caught.value.issues]


def last(found: Resolved) -> tuple[int, str | None]:
    layer = found.network.layers[-1]
    assert layer.layer == "Dense"
    return layer.units, layer.activation


@pytest.mark.parametrize(
    ("facts", "fields", "units", "activation", "loss"),
    [
        (DIGITS, {}, 10, "softmax", "SparseCategoricalCrossentropy"),
        (SURVIVED, {}, 2, "softmax", "SparseCategoricalCrossentropy"),
        (SURVIVED, {"metrics": ["accuracy"]}, 2, "softmax", "SparseCategoricalCrossentropy"),
        (SURVIVED, {"metrics": ["accuracy", "auc"]}, 1, "sigmoid", "BinaryCrossentropy"),
        (SURVIVED, {"metrics": ["auc", "f1_score"]}, 2, "softmax", "CategoricalCrossentropy"),
        (SURVIVED, {"loss": "binary_crossentropy"}, 1, "sigmoid", "BinaryCrossentropy"),
        (SURVIVED, {"loss": "hinge"}, 1, "tanh", "Hinge"),
        (DIGITS, {"metrics": ["auc"]}, 10, "softmax", "CategoricalCrossentropy"),
        (DIGITS, {"loss": "categorical_hinge"}, 10, None, "CategoricalHinge"),
        (WAGES, {}, 1, None, "MeanSquaredError"),
        (WAGES, {"loss": "mae", "metrics": ["mse"]}, 1, None, "MeanAbsoluteError"),
        (WAGES, {"loss": "poisson"}, 1, "softplus", "Poisson"),
    ],
)
def test_auto_appends_what_target_loss_and_metrics_need(
    facts: DataFacts, fields: Json, units: int, activation: str | None, loss: str
) -> None:
    found = resolved(facts, HIDDEN, **fields)
    assert last(found) == (units, activation)
    assert found.compile.loss.keras_name == loss
    assert found.network.output == "given"
    assert found.summary.output_shape == (units,)


def test_a_loss_from_logits_gets_a_linear_output() -> None:
    loss = {"loss": "SparseCategoricalCrossentropy", "from_logits": True}
    assert last(resolved(DIGITS, HIDDEN, loss=loss)) == (10, None)


def test_no_hidden_layer_is_a_linear_network() -> None:
    found = resolved(WAGES)
    assert found.summary.parameters == 9 + 1


def test_several_numbers_get_as_many_units() -> None:
    facts = DataFacts(input_shape=(4,), task="regression", classes=None, rows=100, outputs=3)
    assert last(resolved(facts, HIDDEN)) == (3, None)


def test_images_are_flattened_for_dense_nets_and_get_a_channel_for_convolutions() -> None:
    assert resolved(DIGITS, HIDDEN).input_shape == (64,)
    found = resolved(DIGITS, CONV)
    assert found.input_shape == (8, 8, 1)
    assert [layer.layer for layer in found.network.layers] == ["Conv2D", "Flatten", "Dense"]


def test_the_output_layer_is_called_output_unless_that_name_is_taken() -> None:
    assert resolved(DIGITS, HIDDEN).summary.layers[-1].name == "output"
    assert resolved(DIGITS, HIDDEN | {"name": "output"}).summary.layers[-1].name == "dense"


@pytest.mark.parametrize(
    ("facts", "end", "loss"),
    [
        (SURVIVED, dense(1, "sigmoid"), BinaryCrossentropy()),
        (THREE, dense(3), {"loss": "SparseCategoricalCrossentropy", "from_logits": True}),
        (THREE, dense(3, "softmax"), {"loss": "SparseCategoricalCrossentropy"}),
        (WAGES, dense(1, "relu"), {"loss": "MeanSquaredError"}),
    ],
)
def test_auto_loss_fits_a_given_output_layer(facts: DataFacts, end: Json, loss: Any) -> None:
    found = resolved(facts, HIDDEN, end, output="given")
    assert found.compile.loss == CompileSpec.model_validate({"loss": loss}).loss
    assert len(found.network.layers) == 2


def test_an_activation_layer_of_its_own_counts_as_the_last_activation() -> None:
    end = ({"layer": "Activation", "activation": "softmax"}, {"layer": "Flatten"})
    found = resolved(THREE, dense(3), *end, output="given", metrics=["categorical_accuracy"])
    assert found.compile.loss == CategoricalCrossentropy()


UNITS, ACTIVATION = "/network/layers/1/units", "/network/layers/1/activation"


@pytest.mark.parametrize(
    ("facts", "end", "loss", "where", "code"),
    [
        (THREE, dense(5, "softmax"), "auto", UNITS, "output_units"),
        (
            THREE,
            dense(1, "sigmoid"),
            "binary_crossentropy",
            "/compile/loss",
            "loss_against_classes",
        ),
        (THREE, dense(3, "sigmoid"), "auto", ACTIVATION, "activation_against_loss"),
        (
            THREE,
            dense(3, "relu"),
            "categorical_crossentropy",
            ACTIVATION,
            "activation_against_loss",
        ),
        (THREE, dense(3), "categorical_crossentropy", ACTIVATION, "activation_against_loss"),
        (SURVIVED, dense(1, "softmax"), "auto", ACTIVATION, "softmax_of_one_unit"),
        (SURVIVED, dense(1), "auto", ACTIVATION, "activation_against_loss"),
        (SURVIVED, dense(2, "softmax"), "binary_crossentropy", UNITS, "output_units"),
        (SURVIVED, dense(2, "sigmoid"), "auto", ACTIVATION, "activation_against_loss"),
        (WAGES, dense(2), "auto", UNITS, "output_units"),
        (WAGES, dense(1, "softmax"), "auto", ACTIVATION, "softmax_of_one_unit"),
        (WAGES, dense(1, "sigmoid"), "auto", ACTIVATION, "output_range"),
        (CHANGES, dense(1, "relu"), "auto", ACTIVATION, "output_range"),
        (CHANGES, dense(1), "poisson", "/compile/loss", "negative_target"),
        (CHANGES, dense(1), "msle", "/compile/loss", "negative_target"),
        (WAGES, dense(1), "cosine_similarity", "/compile/loss", "one_output"),
        (WAGES, dense(1), "categorical_crossentropy", "/compile/loss", "loss_against_target"),
        (THREE, dense(3, "softmax"), "mse", "/compile/loss", "loss_against_target"),
    ],
)
def test_a_given_output_must_fit_target_and_loss(
    facts: DataFacts, end: Json, loss: str, where: str, code: str
) -> None:
    assert (where, code) in refused(facts, HIDDEN, end, output="given", loss=loss)


@pytest.mark.parametrize(
    ("facts", "fields", "where", "code"),
    [
        (WAGES, {"metrics": ["accuracy"]}, "/compile/metrics/0", "metric_against_target"),
        (WAGES, {"metrics": ["poisson"]}, "/compile/metrics/0", "metric_against_output"),
        (DIGITS, {"metrics": ["accuracy", "mae"]}, "/compile/metrics/1", "metric_against_target"),
        (
            DIGITS,
            {"loss": "sparse_categorical_crossentropy", "metrics": ["auc"]},
            "/compile/metrics/0",
            "metric_against_loss",
        ),
        (
            THREE,
            {"metrics": [{"metric": "TopKCategoricalAccuracy", "k": 4}]},
            "/compile/metrics/0/k",
            "metric_against_classes",
        ),
        (
            THREE,
            {"metrics": ["top_k_categorical_accuracy"]},
            "/compile/metrics/0",
            "metric_against_classes",
        ),
        (
            THREE,
            {"metrics": [{"metric": "Recall", "class_id": 3}]},
            "/compile/metrics/0/class_id",
            "metric_against_classes",
        ),
        (
            SURVIVED,
            {"loss": "hinge", "metrics": ["accuracy"]},
            "/compile/metrics/0",
            "metric_against_output",
        ),
        (
            SURVIVED,
            {"metrics": [{"metric": "AUC", "from_logits": True}]},
            "/compile/metrics/0",
            "metric_against_output",
        ),
    ],
)
def test_a_metric_must_fit_target_and_loss(
    facts: DataFacts, fields: Json, where: str, code: str
) -> None:
    assert refused(facts, HIDDEN, **fields) == [(where, code)]


def test_a_metric_may_compare_a_margin_with_zero() -> None:
    metric = {"metric": "BinaryAccuracy", "threshold": 0.0}
    found = resolved(SURVIVED, HIDDEN, loss="hinge", metrics=[metric])
    assert last(found) == (1, "tanh")


def test_an_output_that_is_not_flat_is_refused() -> None:
    layers = (CONV, {"layer": "Conv2D", "filters": 10, "kernel_size": 1, "activation": "softmax"})
    assert refused(DIGITS, *layers, output="given") == [("/network/layers/1", "output_not_flat")]


def test_a_given_network_without_layers_is_refused() -> None:
    assert refused(DIGITS, output="given") == [("/network/layers", "no_layers")]


def test_an_appended_layer_that_makes_the_network_too_large_is_blamed_on_the_network() -> None:
    wide = DataFacts(input_shape=(1,), task="regression", classes=None, rows=100, outputs=10_000)
    layers = [dense(60_000)]
    assert refused(wide, *layers) == [("/network", "too_many_parameters")]


def test_network_compile_and_fit_are_refused_together() -> None:
    with pytest.raises(Invalid) as caught:
        resolve(
            NetworkSpec.model_validate({"layers": [CONV | {"kernel_size": 9}]}),
            CompileSpec.model_validate({"loss": "mse"}),
            FitSpec.model_validate({"batch_size": 5000, "early_stopping": {"monitor": "val_los"}}),
            DIGITS,
            network_pointer="/search/networks/wide",
        )
    assert [issue.pointer for issue in caught.value.issues] == [
        "/search/networks/wide/layers/0/kernel_size",
        "/compile/loss",
        "/fit/batch_size",
        "/fit/early_stopping/monitor",
    ]
