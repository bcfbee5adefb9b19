"""Every spec that cannot be carried out is a 4xx that says where and why, and nothing is stored."""

import json
from typing import Any

import pytest

from tests.api.bodies import DENSE, inline, learning_rates, on_digits, with_layers
from tests.api.serving import Served

L = with_layers


def compiled(**fields: Any) -> dict[str, Any]:
    return on_digits(compile=fields)


def optimizer(**fields: Any) -> dict[str, Any]:
    return compiled(optimizer={"optimizer": "SGD", **fields})


def fitted(**fields: Any) -> dict[str, Any]:
    return on_digits(fit=fields)


def searched(**fields: Any) -> dict[str, Any]:
    return on_digits(search=fields)


def over(strategy: str = "grid", **search: Any) -> dict[str, Any]:
    """A search over spec paths; their dots are written as double underscores."""
    paths = {key.replace("__", "."): value for key, value in search.pop("over", {}).items()}
    return searched(strategy=strategy, over=paths, **search)


def grid(**paths: Any) -> dict[str, Any]:
    return over(over=paths)


def capacity(**fields: Any) -> dict[str, Any]:
    search = {"strategy": "capacity", **fields}
    return {"data": {"dataset": "builtin:digits"}, "search": search}


def rows(*given: list[object], columns: tuple[str, ...] = ("a", "b")) -> dict[str, Any]:
    table = {"columns": columns, "rows": given}
    return inline(data={"inline": table, "target": columns[-1]})


def networks(**named: Any) -> dict[str, Any]:
    search = {"strategy": "networks", "networks": named}
    return {"data": {"dataset": "builtin:digits"}, "search": search}


# What is sent, where its problem points, and with which code.
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
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
    "the same rate twice": (
        on_digits(search=learning_rates(0.1, 0.1)),
        "/search/values",
        "duplicate_value",
    ),
    "a network besides those to compare": (
        networks(small={"layers": [DENSE]}) | {"network": {"layers": [DENSE]}},
        "/network",
        "network_twice",
    ),
    "an unknown strategy": (searched(strategy="lr"), "/search/strategy", "unknown_strategy"),
    "a learning rate of 0 among those to compare": (
        on_digits(search=learning_rates(0.1, 0)),
        "/search/values/1",
        "out_of_range",
    ),
    "neither values nor a range": (
        searched(strategy="learning_rates"),
        "/search",
        "invalid_value",
    ),
    "a mistake in a named network": (
        networks(small={"layers": [DENSE]}, **{"a/b": {"layers": [DENSE, {"layer": "Lambda"}]}}),
        "/search/networks/a~1b/layers/1/layer",
        "unknown_layer",
    ),
    # searches over spec paths
    "an empty grid": (grid(), "/search/over", "too_short"),
    "a path without values": (
        grid(fit__batch_size=[]),
        "/search/over/fit.batch_size",
        "too_short",
    ),
    "a space that is a number": (
        grid(fit__batch_size=32),
        "/search/over/fit.batch_size",
        "unknown_space",
    ),
    "a value twice in a grid": (
        grid(fit__batch_size=[32, 16, 32]),
        "/search/over/fit.batch_size/2",
        "duplicate_value",
    ),
    "low above high": (
        grid(fit__batch_size={"int": {"low": 64, "high": 16}}),
        "/search/over/fit.batch_size/int/low",
        "out_of_range",
    ),
    "a logarithmic range from 0": (
        grid(compile__optimizer__learning_rate={"float": {"low": 0, "high": 1, "log": True}}),
        "/search/over/compile.optimizer.learning_rate/float/low",
        "out_of_range",
    ),
    "a logarithmic range from the smallest of numbers": (
        grid(
            compile__optimizer__learning_rate={
                "float": {"low": 1e-320, "high": 1, "log": True, "count": 5}
            }
        ),
        "/search/over/compile.optimizer.learning_rate/float/low",
        "out_of_range",
    ),
    "a range that is wider than any number": (
        grid(
            compile__optimizer__learning_rate={"float": {"low": -1e308, "high": 1e308, "count": 5}}
        ),
        "/search/over/compile.optimizer.learning_rate/float/low",
        "out_of_range",
    ),
    "a range with step and count": (
        grid(fit__batch_size={"int": {"low": 1, "high": 9, "step": 2, "count": 3}}),
        "/search/over/fit.batch_size/int/step",
        "contradiction",
    ),
    "a range with text": (
        grid(fit__batch_size={"int": {"low": "1", "high": 9}}),
        "/search/over/fit.batch_size/int/low",
        "wrong_type",
    ),
    "a misspelt field of a range": (
        grid(fit__batch_size={"int": {"low": 1, "hihg": 9}}),
        "/search/over/fit.batch_size/int/hihg",
        "unknown_field",
    ),
    "an endless range in a grid": (
        grid(compile__optimizer__learning_rate={"float": {"low": 0.1, "high": 1}}),
        "/search/over/compile.optimizer.learning_rate/float",
        "count_missing",
    ),
    "a path that is not in the spec": (
        grid(fit__batchsize=[16]),
        "/search/over/fit.batchsize",
        "unknown_path",
    ),
    "a path to a layer that is not there": (
        grid(network__layers__1__units=[16]),
        "/search/over/network.layers.1.units",
        "unknown_path",
    ),
    "a path to a layer counted from the end": (
        grid(**{"network.layers.-1.units": [16]}),
        "/search/over/network.layers.-1.units",
        "unknown_path",
    ),
    "a path below a value": (
        grid(fit__batch_size__x=[16]),
        "/search/over/fit.batch_size.x",
        "unknown_path",
    ),
    "a path below null": (
        grid(fit__reduce_lr_on_plateau__factor=[0.5]),
        "/search/over/fit.reduce_lr_on_plateau.factor",
        "unknown_path",
    ),
    "text for a number in a grid": (
        grid(fit__batch_size=[16, "32"]),
        "/search/over/fit.batch_size/1",
        "wrong_type",
    ),
    "a value out of range in a grid": (
        grid(fit__batch_size=[16, 0]),
        "/search/over/fit.batch_size/1",
        "out_of_range",
    ),
    "a misspelt value in a grid": (
        grid(network__layers__0__activation={"choice": ["relu", "rellu"]}),
        "/search/over/network.layers.0.activation/choice/1",
        "unknown_value",
    ),
    "a misspelt optimizer in a grid": (
        grid(compile__optimizer=["sgd", "adamm"]),
        "/search/over/compile.optimizer/1",
        "unknown_value",
    ),
    "numbers that are not whole for units": (
        over(
            "random", count=3, over={"network__layers__0__units": {"float": {"low": 1, "high": 9}}}
        ),
        "/search/over/network.layers.0.units/float/low",
        "wrong_type",
    ),
    "a range whose end is too high": (
        over(
            "random",
            count=3,
            over={"compile__optimizer__learning_rate": {"float": {"low": 1, "high": 1e9}}},
        ),
        "/search/over/compile.optimizer.learning_rate/float/high",
        "out_of_range",
    ),
    "a grid of a million points": (
        grid(
            fit__batch_size={"int": {"low": 1, "high": 1000}},
            network__layers__0__units={"int": {"low": 1, "high": 1000}},
        ),
        "/search/over",
        "too_many_trials",
    ),
    "a grid that is too large only with its repeats": (
        grid(fit__batch_size={"int": {"low": 1, "high": 1000}}) | {"repeats": 11},
        "/search/over",
        "too_many_trials",
    ),
    "draws that are too many with their repeats": (
        over("random", count=5000, over={"fit__batch_size": [16]}) | {"repeats": 3},
        "/search/count",
        "too_many_trials",
    ),
    "no draws": (over("random", count=0, over={"fit__batch_size": [16]}), "/search/count", ""),
    "more settings than TPE weighs": (
        over("tpe", count=1001, over={"fit__batch_size": [16, 32]}),
        "/search/count",
        "out_of_range",
    ),
    "TPE without a start": (
        over("tpe", count=9, startup=0, over={"fit__batch_size": [16, 32]}),
        "/search/startup",
        "out_of_range",
    ),
    "text for a number in TPE": (
        over("tpe", count=9, over={"fit__batch_size": [16, "32"]}),
        "/search/over/fit.batch_size/1",
        "wrong_type",
    ),
    "validation rows that differ": (
        grid(fit__validation_split=[0.1, 0.3]),
        "/search/over/fit.validation_split",
        "unfair_path",
    ),
    "seeds that differ": (grid(seed=[1, 2]), "/search/over/seed", "unfair_path"),
    "targets that differ": (grid(data__target=["a"]), "/search/over/data.target", "unfair_path"),
    "epochs that differ": (grid(fit__epochs=[1, 9]), "/search/over/fit.epochs", "unfair_path"),
    "a search within the search": (
        grid(search__strategy=["grid"]),
        "/search/over/search.strategy",
        "unfair_path",
    ),
    "the whole of fit": (grid(fit=[{"epochs": 3}]), "/search/over/fit", "unfair_path"),
    "trials judged by different metrics": (
        grid(fit__early_stopping=[{"patience": 3}, {"monitor": "val_accuracy"}]),
        "/search/over/fit.early_stopping/1",
        "unfair_path",
    ),
    "losses compared by their losses": (
        grid(compile__loss=["auto", "categorical_focal_crossentropy"]),
        "/search/over/compile.loss/1",
        "unfair_path",
    ),
    "a path within another": (
        grid(network=[{"layers": []}], network__layers__0__units=[3]),
        "/search/over/network.layers.0.units",
        "path_twice",
    ),
    "a network for a search over capacity": (
        searched(strategy="capacity"),
        "/network",
        "network_twice",
    ),
    "repeats of a search over capacity": (
        capacity() | {"repeats": 3},
        "/repeats",
        "contradiction",
    ),
    "a pruning rule that there is not": (
        on_digits(search=learning_rates(0.1) | {"prune": {"rule": "mean"}}),
        "/search/prune/rule",
        "unknown_rule",
    ),
    "a field of another pruning rule": (
        on_digits(search=learning_rates(0.1) | {"prune": {"rule": "asha", "warmup_epochs": 3}}),
        "/search/prune/warmup_epochs",
        "unknown_field",
    ),
    "halving by one": (
        on_digits(search=learning_rates(0.1) | {"prune": {"rule": "asha", "reduction": 1}}),
        "/search/prune/reduction",
        "out_of_range",
    ),
    "no trial to be compared with": (
        on_digits(search=learning_rates(0.1) | {"prune": {"rule": "median", "min_trials": 0}}),
        "/search/prune/min_trials",
        "out_of_range",
    ),
    "a search that may not fail": (
        on_digits(limits={"max_failed": 0}),
        "/limits/max_failed",
        "out_of_range",
    ),
    "a ceiling below the start": (
        capacity(start=64, max_units=32),
        "/search/max_units",
        "out_of_range",
    ),
    "a factor of 1": (capacity(factor=1), "/search/factor", "out_of_range"),
    "a misspelt activation for capacity": (
        capacity(activation="rellu"),
        "/search/activation",
        "unknown_value",
    ),
    "repeats 0": (on_digits(repeats=0), "/repeats", "out_of_range"),
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
    "a kernel larger than its input in a named network": (
        networks(c={"layers": [{"layer": "Conv2D", "filters": 3, "kernel_size": 9}]}),
        "/search/networks/c/layers/0/kernel_size",
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
    "more trials than one experiment may have": (
        on_digits(
            search={"strategy": "learning_rates", "low": 1e-9, "high": 1, "count": 200}, repeats=100
        ),
        "/repeats",
        "too_many_trials",
    ),
}


@pytest.mark.parametrize("dry_run", ["false", "true"], ids=["submitted", "dry run"])
@pytest.mark.parametrize(("spec", "pointer", "code"), REFUSED.values(), ids=REFUSED)
def test_a_spec_with(
    shared: Served, spec: dict[str, Any], pointer: str, code: str, dry_run: str
) -> None:
    before = shared.stored_rows(), shared.stored_files()

    answer = shared.client.post("/experiments", json=spec, params={"dry_run": dry_run})

    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "invalid_spec"
    assert problem["type"] == "/problems/invalid_spec"
    assert problem["status"] == 422
    assert problem["instance"] == "/experiments"
    found = {(error["pointer"], error["code"]) for error in problem["errors"]}
    assert any(at == pointer and (not code or code == is_) for at, is_ in found), problem["errors"]
    assert all(error["message"] for error in problem["errors"])
    assert len(problem["errors"]) <= 100
    assert (shared.stored_rows(), shared.stored_files()) == before


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
