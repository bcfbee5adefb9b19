"""A trial's spec is complete, and resolving it twice gives the same."""

import pytest

from models.builtins import BUNDLED
from models.errors import Invalid
from models.resolve import resolve
from models.specs.experiment import ExperimentSpec

DIGITS = BUNDLED["digits"]


def spec(**parts: object) -> ExperimentSpec:
    network = {"layers": [{"layer": "Dense", "units": 16, "activation": "relu"}]}
    return ExperimentSpec.model_validate(
        {"data": {"dataset": "builtin:digits"}, "network": network, **parts}
    )


def test_a_resolved_trial_has_its_output_layer_and_its_loss() -> None:
    trial = resolve(spec(), {}, DIGITS, seed=3)
    assert trial.network.output == "given"
    assert [layer.layer for layer in trial.network.layers] == ["Dense", "Dense"]
    assert trial.compile.loss.keras_name == "SparseCategoricalCrossentropy"
    assert trial.seed == 3


def test_resolving_what_was_resolved_changes_nothing() -> None:
    once = resolve(spec(), {"compile.optimizer.learning_rate": 0.5}, DIGITS, seed=3)
    again = spec(
        network=once.network.model_dump(mode="json"),
        compile=once.compile.model_dump(mode="json"),
        fit=once.fit.model_dump(mode="json"),
    )
    assert resolve(again, {}, DIGITS, seed=3) == once


def test_a_network_that_does_not_fit_the_data_is_refused_at_its_layer() -> None:
    layers = [{"layer": "Dense", "units": 3, "activation": "softmax"}]
    with pytest.raises(Invalid) as refused:
        resolve(spec(network={"layers": layers, "output": "given"}), {}, DIGITS, seed=0)
    assert [issue.pointer for issue in refused.value.issues] == ["/network/layers/0/units"]
