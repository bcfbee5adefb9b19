"""Every search that cannot be carried out is a 422 that says where and why."""

from typing import Any

from tests.api.bodies import DENSE, grid, learning_rates, networks, on_digits, over
from tests.api.refusing import Refused, assert_refused, dry_or_not, each
from tests.api.serving import Served


def searched(**fields: Any) -> dict[str, Any]:
    return on_digits(search=fields)


def capacity(**fields: Any) -> dict[str, Any]:
    search = {"strategy": "capacity", **fields}
    return {"data": {"dataset": "builtin:digits"}, "search": search}


REFUSED: Refused = {
    # named values
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
    "a kernel larger than its input in a named network": (
        networks(c={"layers": [{"layer": "Conv2D", "filters": 3, "kernel_size": 9}]}),
        "/search/networks/c/layers/0/kernel_size",
        "shape_mismatch",
    ),
    "more trials than one experiment may have": (
        on_digits(
            search={"strategy": "learning_rates", "low": 1e-9, "high": 1, "count": 200}, repeats=100
        ),
        "/repeats",
        "too_many_trials",
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
    "more layers in all than can be checked in a while": (
        over(
            "random",
            count=10_000,
            over={"network__layers__0__units": {"int": {"low": 1, "high": 60_000}}},
        )
        | {"network": {"layers": [DENSE] * 101}},
        "/search/count",
        "too_many_layers",
    ),
    "a grid of deep networks": (
        grid(
            network__layers__0__units={"int": {"low": 1, "high": 100}},
            network__layers__1__units={"int": {"low": 1, "high": 100}},
        )
        | {"network": {"layers": [DENSE] * 101}},
        "/search/over",
        "too_many_layers",
    ),
    "a grid of which no point can be trained": (
        grid(fit__batch_size=[100_000, 200_000]),
        "/search/over/fit.batch_size",
        "batch_above_rows",
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
    "a ceiling below the start": (
        capacity(start=64, max_units=32),
        "/search/max_units",
        "out_of_range",
    ),
    "a factor of 1": (capacity(factor=1), "/search/factor", "out_of_range"),
    "a last seed of a size that is none": (
        capacity(seeds=2) | {"seed": 2**31 - 1},
        "/seed",
        "out_of_range",
    ),
    "a misspelt activation for capacity": (
        capacity(activation="rellu"),
        "/search/activation",
        "unknown_value",
    ),
}


@dry_or_not
@each(REFUSED)
def test_a_search_with(
    shared: Served, spec: dict[str, Any], pointer: str, code: str, dry_run: str
) -> None:
    assert_refused(shared, spec, pointer, code, dry_run)
