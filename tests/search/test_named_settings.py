"""Settings that a client names: learning rates, networks, or the spec alone."""

from typing import Any

import pytest

from models.specs.experiment import ExperimentSpec
from models.specs.search import LearningRatesSearch
from models.trial import Proposal, changed
from search.strategies.learning_rates import rates
from search.strategies.registry import strategy_for
from search.strategies.strategy import Conclude

NETWORK: dict[str, Any] = {"layers": [{"layer": "Dense", "units": 8, "activation": "relu"}]}
SPECS: dict[str, dict[str, Any]] = {
    "single": {"network": NETWORK},
    "learning_rates": {
        "network": NETWORK,
        "search": {"strategy": "learning_rates", "values": [1e-7, 0.01, 1]},
    },
    "learning_rates_range": {
        "network": NETWORK,
        "search": {"strategy": "learning_rates", "low": 1e-5, "high": 1, "count": 6},
    },
    "networks": {
        "search": {
            "strategy": "networks",
            "networks": {
                "linear": {"layers": []},
                "wide": {"layers": [{"layer": "Dense", "units": 64, "activation": "relu"}]},
            },
        },
    },
}


def spec_of(name: str, repeats: int = 1) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {"data": {"dataset": "builtin:digits"}, "repeats": repeats, **SPECS[name]}
    )


def proposals(spec: ExperimentSpec) -> tuple[Proposal, ...]:
    answer = strategy_for(spec).propose(spec, ())
    assert not isinstance(answer, Conclude)
    return answer


def test_all_settings_get_their_first_repeat_before_any_gets_its_second() -> None:
    asked = proposals(spec_of("learning_rates", repeats=2))
    assert [p.repeat for p in asked] == [0, 0, 0, 1, 1, 1]


def test_a_learning_rate_is_the_only_change_in_its_trial() -> None:
    spec = spec_of("learning_rates")
    trial = changed(spec, proposals(spec)[1].changes)
    assert trial.compile.optimizer.learning_rate == 0.01
    assert trial.search is None
    assert trial.network == spec.network
    assert trial.fit == spec.fit


def test_a_named_network_becomes_the_network_of_its_trial() -> None:
    spec = spec_of("networks")
    trial = changed(spec, proposals(spec)[1].changes)
    assert trial.network is not None
    assert [layer.layer for layer in trial.network.layers] == ["Dense"]


def test_a_range_of_rates_is_even_on_a_logarithmic_scale() -> None:
    search = spec_of("learning_rates_range").search
    assert search is not None
    assert search.strategy == "learning_rates"
    assert rates(search) == (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1)


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.10001), (0.1014, 0.102), (1e-323, 1.0)])
def test_the_rates_of_a_narrow_range_are_different_and_within_it(low: float, high: float) -> None:
    span = {"strategy": "learning_rates", "low": low, "high": high, "count": 40}
    found = rates(LearningRatesSearch.model_validate(span))
    assert len(found) == 40
    assert (found[0], found[-1]) == (low, high)
    assert list(found) == sorted(set(found))


@pytest.mark.parametrize("optimizer", ["sgd", "Adam", {"optimizer": "SGD", "momentum": 0.9}, None])
def test_a_rate_keeps_the_rest_of_the_optimizer_however_it_was_written(optimizer: object) -> None:
    compiled = {} if optimizer is None else {"compile": {"optimizer": optimizer}}
    spec = ExperimentSpec.model_validate(
        {"data": {"dataset": "builtin:digits"}, **compiled, **SPECS["learning_rates"]}
    )
    trial = changed(spec, {"compile.optimizer.learning_rate": 0.5})
    assert trial.compile.optimizer == type(spec.compile.optimizer).model_validate(
        spec.compile.optimizer.model_dump() | {"learning_rate": 0.5}
    )


def test_a_change_can_reach_into_a_layer() -> None:
    trial = changed(spec_of("single"), {"network.layers.0.units": 32})
    assert trial.network is not None
    assert [layer.units for layer in trial.network.layers if layer.layer == "Dense"] == [32]


def test_a_learning_rate_schedule_and_a_comparison_of_rates_exclude_each_other() -> None:
    schedule = {
        "schedule": "ExponentialDecay",
        "initial_learning_rate": 0.1,
        "decay_steps": 100,
        "decay_rate": 0.9,
    }
    with pytest.raises(ValueError, match="leave the schedule out"):
        ExperimentSpec.model_validate(
            {
                "data": {"dataset": "builtin:digits"},
                "compile": {"optimizer": {"optimizer": "SGD", "learning_rate": schedule}},
                **SPECS["learning_rates"],
            }
        )
