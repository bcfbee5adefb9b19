"""TPE learns from what is known: good settings draw it near, bad and running ones keep it away."""

import subprocess
import sys
from collections.abc import Callable
from math import log10
from statistics import fmean
from typing import Any

import pytest

from models.lifecycle import State, StopReason
from models.specs.experiment import ExperimentSpec
from models.trial import Proposal, TrialResult
from search.strategies.registry import strategy_for
from search.strategies.strategy import Conclude
from tests.search.results import proposed

RATE = "compile.optimizer.learning_rate"
ACTIVATION = "network.layers.0.activation"


def spec_of(over: dict[str, Any] | None = None, **fields: Any) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "data": {"dataset": "builtin:digits"},
            "network": {"layers": [{"layer": "Dense", "units": 8, "activation": "relu"}]},
            "search": {
                "strategy": "tpe",
                "over": over or {RATE: {"float": {"low": 1e-6, "high": 1, "log": True}}},
                "count": 40,
                "startup": 10,
            },
            "limits": {"max_parallel": 1},
            **fields,
        }
    )


Ending = tuple[float | None, StopReason]


def over(number: int, proposal: Proposal, ending: Ending) -> TrialResult:
    score, stop_reason = ending
    state = State.FAILED if stop_reason is StopReason.ERROR else State.SUCCEEDED
    return proposed(number, proposal, score, state=state, stop_reason=stop_reason)


def played(spec: ExperimentSpec, becomes: Callable[[Proposal], Ending]) -> list[TrialResult]:
    results: list[TrialResult] = []
    while True:
        step = strategy_for(spec).propose(spec, results)
        if isinstance(step, Conclude):
            return results
        results += [over(len(results) + n, p, becomes(p)) for n, p in enumerate(step, start=1)]


def exponent(result: TrialResult | Proposal) -> float:
    value = result.changes[RATE]
    assert isinstance(value, float)
    return log10(value)


def test_it_draws_near_the_settings_that_did_well() -> None:
    results = played(spec_of(), lambda p: (abs(exponent(p) + 3), StopReason.COMPLETED))
    # Drawn evenly between 1e-6 and 1 they would be 1.5 powers of ten from 1e-3 on average; Optuna
    # left to itself comes to 0.8 in as many trials.
    assert fmean(abs(exponent(r) + 3) for r in results[10:]) < 1.0
    assert min(abs(exponent(r) + 3) for r in results) < 0.05


def test_where_larger_is_better_it_draws_near_the_largest() -> None:
    spec = spec_of(
        compile={"metrics": ["accuracy"]},
        fit={"early_stopping": {"monitor": "val_accuracy"}},
    )
    results = played(spec, lambda p: (exponent(p), StopReason.COMPLETED))
    assert fmean(exponent(r) for r in results[10:]) > -1.5


@pytest.mark.parametrize("stop_reason", [StopReason.DIVERGED, StopReason.PRUNED])
def test_it_keeps_away_from_what_diverged_or_was_stopped(stop_reason: StopReason) -> None:
    def becomes(proposal: Proposal) -> Ending:
        if exponent(proposal) > -3:
            return (None if stop_reason is StopReason.DIVERGED else -1.0), stop_reason
        return 1.0, StopReason.COMPLETED

    results = played(spec_of(), becomes)
    # Half of the range, where nothing that was not stopped is better than anything else.
    assert fmean(exponent(r) > -3 for r in results[10:]) < 0.35


def test_what_failed_says_nothing_of_its_setting() -> None:
    results = played(spec_of(), lambda _: (None, StopReason.ERROR))
    assert len({r.changes[RATE] for r in results}) == 40
    assert min(map(exponent, results)) < -5
    assert max(map(exponent, results)) > -1


def test_parallel_proposals_do_not_crowd_one_place() -> None:
    spec = spec_of(limits={"max_parallel": 8})
    alone = spec_of()
    results = played(alone, lambda p: (abs(exponent(p) + 3), StopReason.COMPLETED))[:20]
    step = strategy_for(spec).propose(spec, results)
    assert not isinstance(step, Conclude)
    assert len({p.changes[RATE] for p in step}) == len(step) == 8


def test_values_without_an_order_and_ranges_with_a_count_come_back_as_they_were_given() -> None:
    over: dict[str, Any] = {
        ACTIVATION: {"choice": ["relu", "tanh"]},
        "network.layers.0.kernel_regularizer": [None, {"regularizer": "L2", "l2": 0.01}],
        "network.layers.0.units": {"int": {"low": 4, "high": 64, "log": True, "count": 5}},
        "fit.batch_size": {"int": {"low": 8, "high": 31, "step": 4}},
        RATE: {"float": {"low": 0.001, "high": 0.1, "log": True, "count": 3}},
    }
    results = played(
        spec_of(over),
        lambda p: (0.1 if p.changes[ACTIVATION] == "tanh" else 0.9, StopReason.COMPLETED),
    )
    assert {r.changes["network.layers.0.units"] for r in results} <= {4, 8, 16, 32, 64}
    assert {r.changes["fit.batch_size"] for r in results} <= {8, 12, 16, 20, 24, 28}
    assert {r.changes[RATE] for r in results} <= {0.001, 0.01, 0.1}
    chosen = [r.changes[ACTIVATION] for r in results[10:]]
    assert chosen.count("tanh") > len(chosen) / 2


IMPORTS = """
import sys
import api.app, worker.advance
from models.specs.experiment import ExperimentSpec
from search.strategies.registry import strategy_for
spec = ExperimentSpec.model_validate_json(sys.stdin.read())
assert strategy_for(spec).propose(spec, ())
assert "optuna" not in sys.modules
"""


def test_nobody_loads_optuna_to_start_or_to_take_a_post() -> None:
    subprocess.run(
        [sys.executable, "-c", IMPORTS],
        input=spec_of().model_dump_json(exclude_unset=True),
        text=True,
        check=True,
    )
