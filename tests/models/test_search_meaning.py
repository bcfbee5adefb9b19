"""What may be searched over; what may not is in tests/api/test_refused_specs.py."""

from typing import Any

import pytest

from models.search_meaning import search_issues
from models.specs.experiment import ExperimentSpec

DENSE: dict[str, Any] = {"layer": "Dense", "units": 8}
BY_ACCURACY: dict[str, Any] = {
    "compile": {"metrics": ["accuracy"]},
    "fit": {"early_stopping": {"monitor": "val_accuracy"}},
}


def issues(over: dict[str, Any], **parts: Any) -> list[str]:
    spec = ExperimentSpec.model_validate(
        {
            "data": {"dataset": "builtin:digits"},
            "network": {"layers": [DENSE] * 11},
            "search": {"strategy": "random", "count": 3, "over": over},
            **parts,
        }
    )
    return [f"{issue.pointer}: {issue.message}" for issue in search_issues(spec)]


@pytest.mark.parametrize(
    "over",
    [
        {"network.layers.1.units": [1], "network.layers.10.units": [1]},
        {"network.layers.1": [DENSE], "network.layers.10": [DENSE]},
        {"network": [{"layers": [DENSE]}, {"layers": []}]},
        {"network.layers": [[DENSE], [DENSE, DENSE]]},
        {"compile.optimizer": ["sgd", {"optimizer": "Adam", "learning_rate": 0.1}]},
        {"compile.optimizer.learning_rate": {"float": {"low": 0.1, "high": 1}}},
        {"compile.optimizer.learning_rate": {"int": {"low": 1, "high": 2}}},
        {"compile.optimizer.clipnorm": [None, 1.0]},
        {"fit.early_stopping": [None, {"patience": 5}]},
        {"fit.early_stopping.patience": {"int": {"low": 0, "high": 9}}},
        {"fit.class_weight": [None, "balanced", {"1": 2.0}]},
        {"data.scaling": ["standard", "minmax"]},
    ],
    ids=", ".join,
)
def test_it_may_be_searched_over(over: dict[str, Any]) -> None:
    assert issues(over) == []


def test_losses_may_differ_where_trials_are_judged_by_a_metric() -> None:
    losses = {"compile.loss": ["categorical_crossentropy", "categorical_focal_crossentropy"]}
    assert issues(losses, **BY_ACCURACY) == []
    assert len(issues(losses)) == 2


def test_a_mistake_made_a_thousand_times_is_said_a_few_times() -> None:
    assert len(issues({"fit.batch_size": [-n for n in range(1000)]})) == 10
