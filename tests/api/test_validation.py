"""What pydantic refuses is said with a pointer that a client can follow."""

from typing import Any

import pytest
from pydantic import ValidationError

from api.validation import body_issues
from models.errors import Issue
from models.specs.experiment import ExperimentSpec

Refused = tuple[dict[str, Any], str, str]
"""What is sent, the pointer to the mistake, its code."""

HUGE = 10**400
PIECEWISE = {"schedule": "PiecewiseConstantDecay", "boundaries": [10, 20], "values": [1, 0.1]}
NO_TARGET = {"schedule": "CosineDecay", "initial_learning_rate": 0, "decay_steps": 10}

LAYERS: list[Refused] = [
    ({"layer": "Lambda", "function": "x"}, "/layer", "unknown_layer"),
    ({"units": 3}, "/layer", "missing"),
    ({"layer": "Dense"}, "/units", "missing"),
    ({"layer": "Dense", "units": 0}, "/units", "out_of_range"),
    ({"layer": "Dense", "units": 1000000000000}, "/units", "out_of_range"),
    ({"layer": "Dense", "units": HUGE}, "/units", "out_of_range"),
    ({"layer": "Dense", "units": "3"}, "/units", "wrong_type"),
    ({"layer": "Dense", "units": True}, "/units", "wrong_type"),
    ({"layer": "Dense", "units": 3, "unit": 3}, "/unit", "unknown_field"),
    ({"layer": "Dense", "units": 3, "activation": "rellu"}, "/activation", "unknown_value"),
    (
        {"layer": "Dense", "units": 3, "kernel_initializer": "he"},
        "/kernel_initializer",
        "unknown_initializer",
    ),
    (
        {"layer": "Dense", "units": 3, "kernel_regularizer": {"regularizer": "L2", "l2": -1}},
        "/kernel_regularizer/l2",
        "out_of_range",
    ),
    ({"layer": "Conv2D", "filters": 3, "kernel_size": 0}, "/kernel_size", "out_of_range"),
    (
        {"layer": "Conv2D", "filters": 3, "kernel_size": [3, 0]},
        "/kernel_size/1",
        "out_of_range",
    ),
    ({"layer": "Conv2D", "filters": 3, "kernel_size": [3, 3, 3]}, "/kernel_size", "too_long"),
    (
        {"layer": "Conv2D", "filters": 3, "kernel_size": 3, "padding": "causal"},
        "/padding",
        "unknown_value",
    ),
    ({"layer": "Flatten", "data_format": "channels_first"}, "/data_format", "unknown_value"),
    ({"layer": "Dropout", "rate": 1.5}, "/rate", "out_of_range"),
    ({"layer": "Dropout", "rate": float("nan")}, "/rate", "out_of_range"),
    ({"layer": "Dropout", "rate": 0.5, "name": "a/b"}, "/name", "wrong_pattern"),
]
OPTIMIZERS: list[Refused] = [
    ({"learning_rate": 0}, "/learning_rate", "out_of_range"),
    ({"learning_rate": -1}, "/learning_rate", "out_of_range"),
    ({"learning_rate": float("inf")}, "/learning_rate", "out_of_range"),
    ({"learning_rate": HUGE}, "/learning_rate", "wrong_type"),
    ({"learning_rate": 1000000000.0}, "/learning_rate", "out_of_range"),
    ({"learning_rate": PIECEWISE}, "/learning_rate/values", "values_do_not_match_boundaries"),
    (
        {"learning_rate": PIECEWISE | {"boundaries": [3, 2]}},
        "/learning_rate/boundaries",
        "boundaries_not_rising",
    ),
    ({"learning_rate": NO_TARGET}, "/learning_rate", "learning_rate_zero"),
    ({"learning_rate": NO_TARGET | {"warmup_steps": 5}}, "/learning_rate", "half_a_warm_up"),
    ({"learning_rate": {"schedule": "Linear"}}, "/learning_rate/schedule", "unknown_schedule"),
    ({"clipnorm": 1, "clipvalue": 1}, "", "several_ways_to_clip"),
    ({"momentum": 2}, "/momentum", "out_of_range"),
]
BODIES: list[Refused] = [
    ({"network": {"layers": [{"layer": "Flatten"}] * 10_000}}, "/network/layers", "too_long"),
    ({"network": {"layers": [], "output": "softmax"}}, "/network/output", "unknown_value"),
    ({"compile": {"optimizer": "SDG"}}, "/compile/optimizer", "unknown_optimizer"),
    (
        {"compile": {"optimizer": {"optimizer": "Ftrl"}}},
        "/compile/optimizer/optimizer",
        "unknown_optimizer",
    ),
    ({"compile": {"loss": "maee"}}, "/compile/loss", "unknown_loss"),
    ({"compile": {"loss": {"loss": "Huber", "delta": 0}}}, "/compile/loss/delta", "out_of_range"),
    ({"compile": {"metrics": ["accuracy", "acuracy"]}}, "/compile/metrics/1", "unknown_metric"),
    ({"compile": {"metrics": ["accuracy", "accuracy"]}}, "/compile/metrics", "metric_twice"),
    ({"compile": {"metrics": ["precision_at_recall"]}}, "/compile/metrics/0/recall", "missing"),
    (
        {"compile": {"metrics": [{"metric": "AUC", "name": "val_auc"}]}},
        "/compile/metrics/0/name",
        "reserved_name",
    ),
    ({"compile": {"jit_compile": "yes"}}, "/compile/jit_compile", "unknown_value"),
    ({"compile": {"precision": "float16"}}, "/compile/precision", "unknown_value"),
    ({"fit": {"epochs": 0}}, "/fit/epochs", "out_of_range"),
    ({"fit": {"epochs": -1}}, "/fit/epochs", "out_of_range"),
    ({"fit": {"epochs": 1000000000}}, "/fit/epochs", "out_of_range"),
    ({"fit": {"epochs": 1000000000.0}}, "/fit/epochs", "wrong_type"),
    ({"fit": {"batch_size": 0}}, "/fit/batch_size", "out_of_range"),
    ({"fit": {"validation_split": 1}}, "/fit/validation_split", "out_of_range"),
    ({"fit": {"class_weight": "equal"}}, "/fit/class_weight", "unknown_value"),
    ({"fit": {"class_weight": {"a/b": -1}}}, "/fit/class_weight/a~1b", "out_of_range"),
    (
        {"fit": {"early_stopping": {"patience": -1}}},
        "/fit/early_stopping/patience",
        "out_of_range",
    ),
    (
        {"fit": {"reduce_lr_on_plateau": {"factor": 1}}},
        "/fit/reduce_lr_on_plateau/factor",
        "out_of_range",
    ),
    ({"fitt": {}}, "/fitt", "unknown_field"),
]


def refused(parts: dict[str, Any]) -> tuple[Issue, ...]:
    body = {"data": {"dataset": "builtin:digits"}, "network": {"layers": []}, **parts}
    with pytest.raises(ValidationError) as caught:
        ExperimentSpec.model_validate(body)
    errors = [{**error, "loc": ("body", *error["loc"])} for error in caught.value.errors()]
    return body_issues(errors, body, ExperimentSpec)


def said(body: dict[str, Any]) -> list[tuple[str, str]]:
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
        ({"network": {"layers": [{"layer": "Dens"}]}}, "Did you mean Dense"),
        ({"compile": {"optimizer": "adm"}}, "RMSprop"),
        ({"compile": {"loss": "categorical_crosentropy"}}, "CategoricalCrossentropy"),
        ({"compile": {"metrics": ["acuracy"]}}, "Did you mean Accuracy"),
    ],
)
def test_an_unknown_name_is_answered_with_what_is_allowed(body: Any, says: str) -> None:
    (issue,) = refused(body)
    assert says in issue.message or says in issue.allowed
    assert len(issue.allowed) >= 9


def test_all_mistakes_are_found_at_once() -> None:
    body = {"network": {"layers": [{"layer": "Dense"}, 3]}, "fit": {"epochs": 0, "batch_size": "x"}}
    assert {issue.pointer for issue in refused(body)} == {
        "/network/layers/0/units",
        "/network/layers/1",
        "/fit/epochs",
        "/fit/batch_size",
    }
