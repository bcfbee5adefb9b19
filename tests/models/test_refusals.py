"""What pydantic refuses is said with a pointer that a client can follow."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.errors import Issue
from models.pointers import pointer
from models.refusals import issues
from models.specs.base import Spec
from models.specs.compile import CompileSpec
from models.specs.fit import FitSpec
from models.specs.network import NetworkSpec
from models.specs.optimizers import Adam


class Body(Spec):
    """The parts of an experiment that this room owns."""

    network: NetworkSpec = NetworkSpec(layers=())
    compile: CompileSpec = CompileSpec()
    fit: FitSpec = FitSpec()


Refused = tuple[dict[str, Any], str, str]
"""What is sent, the pointer to the mistake, its code."""

HUGE = 10**400
PIECEWISE = {"schedule": "PiecewiseConstantDecay", "boundaries": [10, 20], "values": [1, 0.1]}
NO_TARGET = {"schedule": "CosineDecay", "initial_learning_rate": 0, "decay_steps": 10}

LAYERS: list[Refused] = [
    ({"layer": "Lambda", "function": "x"}, "", "unknown_layer"),
    ({"units": 3}, "", "missing"),
    ({"layer": "Dense"}, "/units", "missing"),
    ({"layer": "Dense", "units": 0}, "/units", "greater_than_equal"),
    ({"layer": "Dense", "units": 1000000000000}, "/units", "less_than_equal"),
    ({"layer": "Dense", "units": HUGE}, "/units", "less_than_equal"),
    ({"layer": "Dense", "units": "3"}, "/units", "int_type"),
    ({"layer": "Dense", "units": True}, "/units", "int_type"),
    ({"layer": "Dense", "units": 3, "unit": 3}, "/unit", "unknown_field"),
    ({"layer": "Dense", "units": 3, "activation": "rellu"}, "/activation", "literal_error"),
    (
        {"layer": "Dense", "units": 3, "kernel_initializer": "he"},
        "/kernel_initializer",
        "unknown_initializer",
    ),
    (
        {"layer": "Dense", "units": 3, "kernel_regularizer": {"regularizer": "L2", "l2": -1}},
        "/kernel_regularizer/l2",
        "greater_than_equal",
    ),
    ({"layer": "Conv2D", "filters": 3, "kernel_size": 0}, "/kernel_size", "greater_than_equal"),
    (
        {"layer": "Conv2D", "filters": 3, "kernel_size": [3, 0]},
        "/kernel_size/1",
        "greater_than_equal",
    ),
    ({"layer": "Conv2D", "filters": 3, "kernel_size": [3, 3, 3]}, "/kernel_size", "too_long"),
    (
        {"layer": "Conv2D", "filters": 3, "kernel_size": 3, "padding": "causal"},
        "/padding",
        "literal_error",
    ),
    ({"layer": "Flatten", "data_format": "channels_first"}, "/data_format", "literal_error"),
    ({"layer": "Dropout", "rate": 1.5}, "/rate", "less_than_equal"),
    ({"layer": "Dropout", "rate": float("nan")}, "/rate", "finite_number"),
    ({"layer": "Dropout", "rate": 0.5, "name": "a/b"}, "/name", "string_pattern_mismatch"),
]
OPTIMIZERS: list[Refused] = [
    ({"learning_rate": 0}, "/learning_rate", "greater_than"),
    ({"learning_rate": -1}, "/learning_rate", "greater_than"),
    ({"learning_rate": float("inf")}, "/learning_rate", "finite_number"),
    ({"learning_rate": HUGE}, "/learning_rate", "float_type"),
    ({"learning_rate": 1000000000.0}, "/learning_rate", "less_than_equal"),
    ({"learning_rate": PIECEWISE}, "/learning_rate/values", "values_do_not_match_boundaries"),
    (
        {"learning_rate": PIECEWISE | {"boundaries": [3, 2]}},
        "/learning_rate/boundaries",
        "boundaries_not_rising",
    ),
    ({"learning_rate": NO_TARGET}, "/learning_rate", "learning_rate_zero"),
    ({"learning_rate": NO_TARGET | {"warmup_steps": 5}}, "/learning_rate", "half_a_warm_up"),
    ({"learning_rate": {"schedule": "Linear"}}, "/learning_rate", "unknown_schedule"),
    ({"clipnorm": 1, "clipvalue": 1}, "", "several_ways_to_clip"),
    ({"momentum": 2}, "/momentum", "less_than_equal"),
]
BODIES: list[Refused] = [
    ({"network": {"layers": [{"layer": "Flatten"}] * 10_000}}, "/network/layers", "too_long"),
    ({"network": {"layers": [], "output": "softmax"}}, "/network/output", "literal_error"),
    ({"compile": {"optimizer": "SDG"}}, "/compile/optimizer", "unknown_optimizer"),
    ({"compile": {"optimizer": {"optimizer": "Ftrl"}}}, "/compile/optimizer", "unknown_optimizer"),
    ({"compile": {"loss": "maee"}}, "/compile/loss", "unknown_loss"),
    ({"compile": {"loss": {"loss": "Huber", "delta": 0}}}, "/compile/loss/delta", "greater_than"),
    ({"compile": {"metrics": ["accuracy", "acuracy"]}}, "/compile/metrics/1", "unknown_metric"),
    ({"compile": {"metrics": ["accuracy", "accuracy"]}}, "/compile/metrics", "metric_twice"),
    ({"compile": {"metrics": ["precision_at_recall"]}}, "/compile/metrics/0/recall", "missing"),
    (
        {"compile": {"metrics": [{"metric": "AUC", "name": "val_auc"}]}},
        "/compile/metrics/0/name",
        "reserved_name",
    ),
    ({"compile": {"jit_compile": "yes"}}, "/compile/jit_compile", "literal_error"),
    ({"fit": {"epochs": 0}}, "/fit/epochs", "greater_than_equal"),
    ({"fit": {"epochs": -1}}, "/fit/epochs", "greater_than_equal"),
    ({"fit": {"epochs": 1000000000}}, "/fit/epochs", "less_than_equal"),
    ({"fit": {"epochs": 1000000000.0}}, "/fit/epochs", "int_type"),
    ({"fit": {"batch_size": 0}}, "/fit/batch_size", "greater_than_equal"),
    ({"fit": {"validation_split": 1}}, "/fit/validation_split", "less_than"),
    ({"fit": {"class_weight": "equal"}}, "/fit/class_weight", "literal_error"),
    ({"fit": {"class_weight": {"a/b": -1}}}, "/fit/class_weight/a~1b", "greater_than_equal"),
    (
        {"fit": {"early_stopping": {"patience": -1}}},
        "/fit/early_stopping/patience",
        "greater_than_equal",
    ),
    (
        {"fit": {"reduce_lr_on_plateau": {"factor": 1}}},
        "/fit/reduce_lr_on_plateau/factor",
        "less_than",
    ),
    ({"fitt": {}}, "/fitt", "unknown_field"),
]


def refused(body: object) -> tuple[Issue, ...]:
    with pytest.raises(ValidationError) as caught:
        Body.model_validate(body)
    return issues(caught.value.errors(), body)


def said(body: object) -> list[tuple[str, str]]:
    return [(issue.pointer, issue.code) for issue in refused(body)]


@pytest.mark.parametrize(("layer", "where", "code"), LAYERS)
def test_a_mistake_in_a_layer_is_said_once_and_where_it_is(
    layer: dict[str, Any], where: str, code: str
) -> None:
    body = {"network": {"layers": [{"layer": "Flatten"}, layer]}}
    assert said(body) == [(f"/network/layers/1{where}", code)]


@pytest.mark.parametrize(("arguments", "where", "code"), OPTIMIZERS)
def test_a_mistake_in_an_optimizer_is_said_once_and_where_it_is(
    arguments: dict[str, Any], where: str, code: str
) -> None:
    body = {"compile": {"optimizer": {"optimizer": "SGD", **arguments}}}
    assert said(body) == [(f"/compile/optimizer{where}", code)]


@pytest.mark.parametrize(("body", "where", "code"), BODIES)
def test_a_mistake_elsewhere_is_said_once_and_where_it_is(
    body: dict[str, Any], where: str, code: str
) -> None:
    assert said(body) == [(where, code)]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"network": {"layers": [{"layer": "Lambda"}]}}, "GlobalAveragePooling2D"),
        ({"network": {"layers": [{"layer": "Dens"}]}}, "did you mean Dense"),
        ({"compile": {"optimizer": "adm"}}, "RMSprop"),
        ({"compile": {"loss": "categorical_crosentropy"}}, "CategoricalCrossentropy"),
        ({"compile": {"metrics": ["acuracy"]}}, "did you mean Accuracy"),
    ],
)
def test_an_unknown_name_is_answered_with_what_is_allowed(body: Any, says: str) -> None:
    (issue,) = refused(body)
    assert says in issue.message
    assert len(issue.allowed) >= 9


def test_an_optimizer_without_a_name_is_adam() -> None:
    compiled = CompileSpec.model_validate({"optimizer": {"learning_rate": 0.1}})
    assert compiled.optimizer == Adam(learning_rate=0.1)


def test_all_mistakes_are_found_at_once() -> None:
    body = {"network": {"layers": [{"layer": "Dense"}, 3]}, "fit": {"epochs": 0, "batch_size": "x"}}
    assert {issue.pointer for issue in refused(body)} == {
        "/network/layers/0/units",
        "/network/layers/1",
        "/fit/epochs",
        "/fit/batch_size",
    }


@given(st.lists(st.text(max_size=5) | st.integers(0, 99), max_size=4))
def test_a_pointer_can_be_taken_apart_again(parts: list[str | int]) -> None:
    tokens = pointer(*parts).split("/")[1:]
    assert [t.replace("~1", "/").replace("~0", "~") for t in tokens] == [
        str(part) for part in parts
    ]
