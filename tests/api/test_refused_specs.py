"""Every spec that cannot be carried out is a 4xx that says where and why, and nothing is stored."""

import json
from typing import Any

import pytest

from tests.api.bodies import DENSE, grid, inline, networks, on_digits, with_layers
from tests.api.refusing import Refused, assert_refused, dry_or_not, each
from tests.api.serving import Served

L = with_layers


def compiled(**fields: Any) -> dict[str, Any]:
    return on_digits(compile=fields)


def optimizer(**fields: Any) -> dict[str, Any]:
    return compiled(optimizer={"optimizer": "SGD", **fields})


def fitted(**fields: Any) -> dict[str, Any]:
    return on_digits(fit=fields)


def rows(*given: list[object], columns: tuple[str, ...] = ("a", "b")) -> dict[str, Any]:
    table = {"columns": columns, "rows": given}
    return inline(data={"inline": table, "target": columns[-1]})


REFUSED: Refused = {
    # fields
    "a Lambda layer": (L({"layer": "Lambda"}), "/network/layers/0/layer", "unknown_layer"),
    "a misspelt layer": (L(DENSE, {"layer": "dense"}), "/network/layers/1/layer", "unknown_layer"),
    "a layer without a kind": (L({"units": 3}), "/network/layers/0/layer", "missing"),
    "a layer that is a number": (L(3), "/network/layers/0", "wrong_type"),
    "no units": (L({"layer": "Dense"}), "/network/layers/0/units", "missing"),
    "zero units": (L(DENSE | {"units": 0}), "/network/layers/0/units", "out_of_range"),
    "units as text": (L(DENSE | {"units": "3"}), "/network/layers/0/units", "wrong_type"),
    "a misspelt field": (L(DENSE | {"unit": 3}), "/network/layers/0/unit", "unknown_field"),
    "a field named as its layer": (
        L(DENSE | {"Dense": {"a": 1}}),
        "/network/layers/0/Dense",
        "unknown_field",
    ),
    "a misspelt activation": (
        L(DENSE | {"activation": "rellu"}),
        "/network/layers/0/activation",
        "unknown_value",
    ),
    "a misspelt initializer": (
        L(DENSE | {"kernel_initializer": "he"}),
        "/network/layers/0/kernel_initializer",
        "unknown_initializer",
    ),
    "an unknown loss": (compiled(loss="msee"), "/compile/loss", "unknown_loss"),
    "a loss that is a number": (compiled(loss=3), "/compile/loss", "wrong_type"),
    "a bad argument of a loss": (
        compiled(loss={"loss": "Huber", "delta": -1}),
        "/compile/loss/delta",
        "out_of_range",
    ),
    "an unknown optimizer": (
        compiled(optimizer="Adamm"),
        "/compile/optimizer",
        "unknown_optimizer",
    ),
    "an unknown metric": (compiled(metrics=["acuracy"]), "/compile/metrics/0", "unknown_metric"),
    "learning rate 0": (
        optimizer(learning_rate=0),
        "/compile/optimizer/learning_rate",
        "out_of_range",
    ),
    "learning rate -1": (
        optimizer(learning_rate=-1),
        "/compile/optimizer/learning_rate",
        "out_of_range",
    ),
    "epochs 0": (fitted(epochs=0), "/fit/epochs", "out_of_range"),
    "epochs -1": (fitted(epochs=-1), "/fit/epochs", "out_of_range"),
    "epochs 1e9": (fitted(epochs=10**9), "/fit/epochs", "out_of_range"),
    "validation_split 1": (fitted(validation_split=1), "/fit/validation_split", "out_of_range"),
    "an unknown field at the top": (on_digits(fits={}), "/fits", "unknown_field"),
    "a name of 10,000 characters": (on_digits(name="x" * 10_000), "/name", "too_long"),
    "a label that is no word": (on_digits(labels={"a b": "c"}), "/labels/a b", "wrong_pattern"),
    "a label with a slash": (on_digits(labels={"a/b~": "c"}), "/labels/a~1b~0", "wrong_pattern"),
    "no data": ({"network": {"layers": [DENSE]}}, "/data", "missing"),
    "neither dataset nor rows": (on_digits(data={}), "/data", "invalid_value"),
    "no network": ({"data": {"dataset": "builtin:digits"}}, "/network", "network_missing"),
    "a search that may not fail": (
        on_digits(limits={"max_failed": 0}),
        "/limits/max_failed",
        "out_of_range",
    ),
    "repeats 0": (on_digits(repeats=0), "/repeats", "out_of_range"),
    "repeats as text": (on_digits(repeats="2"), "/repeats", "wrong_type"),
    "repeats that are true": (on_digits(repeats=True), "/repeats", "wrong_type"),
    "a seed as text": (on_digits(seed="7"), "/seed", "wrong_type"),
    "a limit that is true": (
        on_digits(limits={"max_parallel": True}),
        "/limits/max_parallel",
        "wrong_type",
    ),
    "a last repeat without a seed": (
        on_digits(seed=2**31 - 2, repeats=3),
        "/seed",
        "out_of_range",
    ),
    "10,000 layers": (L(*[DENSE] * 10_000), "/network/layers", "too_long"),
    "a thousand wrong layers": (
        L(*[DENSE | {"units": 0}] * 1000),
        "/network/layers/0/units",
        "out_of_range",
    ),
    # shapes
    "10^12 parameters": (
        L(*[{"layer": "Dense", "units": 65_536}] * 234),
        "/network/layers/1",
        "too_many_parameters",
    ),
    "a kernel larger than its input": (
        L({"layer": "Conv2D", "filters": 3, "kernel_size": 9}),
        "/network/layers/0/kernel_size",
        "shape_mismatch",
    ),
    # meaning
    "eleven units for ten classes": (
        L(DENSE | {"units": 11, "activation": "softmax"}, output="given"),
        "/network/layers/0/units",
        "output_units",
    ),
    "softmax of one unit": (
        L(DENSE | {"units": 1, "activation": "softmax"}, output="given"),
        "/network/layers/0/activation",
        "softmax_of_one_unit",
    ),
    "a loss for numbers on classes": (
        compiled(loss="mse"),
        "/compile/loss",
        "loss_against_target",
    ),
    "a loss for two classes on ten": (
        compiled(loss="binary_crossentropy"),
        "/compile/loss",
        "loss_against_classes",
    ),
    "a metric for numbers on classes": (
        compiled(metrics=["mae"]),
        "/compile/metrics/0",
        "metric_against_target",
    ),
    "a batch larger than the rows": (
        fitted(batch_size=10_000),
        "/fit/batch_size",
        "batch_above_rows",
    ),
    "a misspelt monitor": (
        fitted(early_stopping={"monitor": "val_los"}),
        "/fit/early_stopping/monitor",
        "unknown_monitor",
    ),
    "an unknown built-in dataset": (
        on_digits(data={"dataset": "builtin:digit"}),
        "/data/dataset",
        "unknown_dataset",
    ),
    "a dataset that is not there": (
        on_digits(data={"dataset": "ds_0"}),
        "/data/dataset",
        "unknown_dataset",
    ),
    "a target for images": (
        on_digits(data={"dataset": "builtin:digits", "target": "x"}),
        "/data/target",
        "",
    ),
    "an unknown target": (
        inline(data=inline()["data"] | {"target": "kindd"}),
        "/data/target",
        "unknown_column",
    ),
    "no target": (
        inline(data={"inline": inline()["data"]["inline"]}),
        "/data/target",
        "target_missing",
    ),
    "an unknown predictor": (
        inline(data=inline()["data"] | {"predictors": ["size", "wight"]}),
        "/data/predictors/1",
        "unknown_column",
    ),
    "a target with one class": (rows([1, "x"], [2, "x"], [3, "x"]), "/data/target", ""),
    "ragged rows": (rows([1, 2], [1]), "/data/inline/rows/1", "ragged_row"),
    "a cell that is a list": (rows([1, 2], [1, []]), "/data/inline/rows/1/1", "wrong_type"),
    "equal columns": (rows([1, 2], [3, 4], columns=("a", "a")), "/data/inline/columns", ""),
    "one column": (rows([1], [2], columns=("a",)), "/data/inline/columns", ""),
}


@dry_or_not
@each(REFUSED)
def test_a_spec_with(
    shared: Served, spec: dict[str, Any], pointer: str, code: str, dry_run: str
) -> None:
    assert_refused(shared, spec, pointer, code, dry_run)


HINTS = [
    (grid(fit__batch_sise=[16]), "/search/over/fit.batch_sise", "batch_size"),
    (grid(compile__optimizer=["Adamm"]), "/search/over/compile.optimizer/0", "Adam"),
    (L(DENSE | {"unit": 3}), "/network/layers/0/unit", "units"),
    (L({"layer": "dense"}), "/network/layers/0/layer", "Dense"),
    (L(DENSE | {"activation": "rellu"}), "/network/layers/0/activation", "relu"),
    (fitted(early_stopping={"monitr": "val_loss"}), "/fit/early_stopping/monitr", "monitor"),
    (on_digits(data={"dataset": "builtin:digit"}), "/data/dataset", "builtin:digits"),
]


@pytest.mark.parametrize(("spec", "pointer", "meant"), HINTS, ids=[hint[1] for hint in HINTS])
def test_a_misspelt_name_is_answered_with_what_was_meant_and_what_is_allowed(
    shared: Served, spec: dict[str, Any], pointer: str, meant: str
) -> None:
    problem = shared.client.post("/experiments", json=spec).json()
    error = next(error for error in problem["errors"] if error["pointer"] == pointer)
    assert f"Did you mean {meant}?" in error["message"]
    assert meant in error["allowed"]


def test_a_name_that_is_close_to_none_gets_no_hint(shared: Served) -> None:
    spec = on_digits(data={"dataset": "builtin:titanic"})
    assert "Did you mean" not in shared.client.post("/experiments", json=spec).json()["detail"]


UNREADABLE = [
    (b'{"data": NaN}', 400, "malformed"),
    (b'{"fit": {"epochs": 1, "epochs": 2}}', 400, "malformed"),
    (b'{"compile": {"optimizer": {"optimizer": "SGD", "learning_rate": 1e400}}}', 400, "malformed"),
    (b'{"seed": ' + b"1" * 10_000 + b"}", 400, "malformed"),
    (b'{"a":' * 50_000, 400, "malformed"),
    (b"\xff\xfe", 400, "malformed"),
    (b"", 400, "malformed"),
    (b"[]", 400, "malformed"),
    (b'{"name": "' + b"x" * (1024 * 1024 - 12) + b'"}', 422, "invalid_spec"),
    (b'{"name": "' + b"x" * (1024 * 1024) + b'"}', 413, "too_large"),
]


@pytest.mark.parametrize(
    ("body", "status", "code"), UNREADABLE, ids=[repr(body)[:30] for body, *_ in UNREADABLE]
)
def test_a_body_that_cannot_be_read_is_a_problem(
    shared: Served, body: bytes, status: int, code: str
) -> None:
    before = shared.stored_rows()
    answer = shared.client.post(
        "/experiments", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert shared.stored_rows() == before


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/xml", "multipart/x"])
def test_a_body_of_another_type_is_a_415(shared: Served, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = shared.client.post("/experiments", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unknown_format")


def test_a_json_type_with_a_suffix_and_a_charset_is_json(shared: Served) -> None:
    answer = shared.client.post(
        "/experiments?dry_run=true",
        content=json.dumps(on_digits()).encode(),
        headers={"Content-Type": "application/vnd.epochd+json; charset=utf-8"},
    )
    assert answer.status_code == 200


def test_the_largest_spec_that_is_allowed_is_answered_in_a_moment(shared: Served) -> None:
    spec = networks(**{f"net {n}": {"layers": [DENSE] * 80} for n in range(200)})
    assert 800_000 < len(json.dumps(spec)) < 1024 * 1024
    answer = shared.client.post("/experiments?dry_run=true", json=spec, timeout=20)
    assert answer.status_code == 200
    assert len(answer.json()["trials"]) == 200
