"""Real small trainings that have a fault, and healthy twins that have not."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sklearn.datasets import load_digits

from health.curves import loss_left
from tests.health.trainings import (
    Rows,
    Trained,
    Trainer,
    clouds,
    curved,
    dense,
    rare,
    rings,
    straight,
    wages,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ADAM = {"optimizer": {"optimizer": "Adam", "learning_rate": 0.01}}
EPOCHS = {"epochs": 30, "early_stopping": {"patience": 10}}


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    return Trainer(tmp_path_factory.mktemp("trainings"))


def sgd(rate: float) -> dict[str, Any]:
    return {"optimizer": {"optimizer": "SGD", "learning_rate": rate}}


def constant(value: float) -> dict[str, Any]:
    return {"initializer": "Constant", "value": value}


def wild() -> dict[str, Any]:
    return {"initializer": "RandomNormal", "stddev": 10.0}


@pytest.fixture(scope="module")
def healthy(trainer: Trainer) -> Trained:
    return trainer.train(clouds(), network=dense(32, 32), compile=ADAM, fit=EPOCHS)


def test_a_healthy_training_has_no_finding_and_says_what_was_asked(healthy: Trained) -> None:
    assert healthy.codes == []
    assert {each.outcome for each in healthy.judgement.checks} >= {"healthy"}
    assert all(each.reason for each in healthy.judgement.checks)


FAULTS: Mapping[str, tuple[str, Callable[[], Rows], dict[str, Any]]] = {
    "ten sigmoid layers": (
        "vanishing_gradients",
        clouds,
        {"network": dense(*[16] * 10, activation="sigmoid")},
    ),
    "biases of -10": (
        "dead_neurons",
        clouds,
        {"network": dense(32, 32, bias_initializer=constant(-10.0))},
    ),
    "a rate of 1e-7": (
        "learning_rate_too_low",
        clouds,
        {"compile": {"optimizer": {"optimizer": "SGD", "learning_rate": 1e-7, "momentum": 0.9}}},
    ),
    "a rate of 1": (
        "learning_rate_too_high",
        clouds,
        {"compile": {"optimizer": {"learning_rate": 1.0}}},
    ),
    "a rate of 1 on numbers": ("learning_rate_too_high", wages, {"compile": sgd(1.0)}),
    "raw columns": ("inputs_not_scaled", wages, {"data": {"scaling": "none"}}),
    "wild initial weights": (
        "exploding_gradients",
        clouds,
        {"network": dense(32, 32, kernel_initializer=wild())},
    ),
    "wild initial weights before tanh": (
        "saturated_neurons",
        wages,
        {"network": dense(32, 32, activation="tanh", kernel_initializer=wild())},
    ),
    "20 rows for 512 units": (
        "overfitting",
        lambda: clouds(30),
        {"network": dense(512), "fit": {"epochs": 60, "batch_size": 8, "early_stopping": None}},
    ),
    "three epochs": (
        "not_converged",
        clouds,
        {"fit": {"epochs": 3}, "compile": {"optimizer": {"learning_rate": 0.003}}},
    ),
    "weights that may not grow in twelve layers": (
        "vanishing_gradients",
        clouds,
        {
            "network": dense(
                *[16] * 12,
                activation="leaky_relu",
                kernel_initializer="he_normal",
                kernel_constraint={"constraint": "MaxNorm", "max_value": 0.4},
            )
        },
    ),
    "one unit": ("underfitting", rings, {"network": dense(1, 32)}),
    "one unit for numbers": ("underfitting", curved, {"network": dense(1)}),
    "no hidden layer": ("underfitting", rings, {"network": dense()}),
    "one row in 20": ("class_imbalance", rare, {"network": dense(4), "compile": sgd(0.03)}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_the_first_cause_and_its_repair_helps(trainer: Trainer, fault: str) -> None:
    code, rows, parts = FAULTS[fault]
    base: dict[str, Any] = {"network": dense(32, 32), "compile": ADAM, "fit": EPOCHS}

    trained = trainer.train(rows(), **(base | parts))

    assert trained.causes[0] == code, trained.judgement.findings
    repaired = trainer.repaired(trained, code)
    assert code not in repaired.codes
    if code == "class_imbalance":  # of weighed classes the loss is another
        assert (repaired.course.measurements[-1].minority_recall or 0) > 0.5
    else:
        assert repaired.best <= trained.best


def test_that_nothing_was_learned_is_a_consequence_of_dead_units(trainer: Trainer) -> None:
    buried = trainer.train(
        clouds(), network=dense(32, bias_initializer=constant(-10.0)), compile=ADAM, fit=EPOCHS
    )

    assert buried.codes == ["dead_neurons", "learned_nothing"]
    assert buried.finding("learned_nothing").consequence_of == "dead_neurons"
    assert buried.finding("dead_neurons").first_epoch == 0


def test_units_that_a_high_rate_killed_are_its_consequence(trainer: Trainer) -> None:
    hurled = trainer.train(
        clouds(), network=dense(32, 32), compile={"optimizer": {"learning_rate": 1.0}}, fit=EPOCHS
    )

    dead = [each for each in hurled.judgement.findings if each.code == "dead_neurons"]
    assert all(each.consequence_of == "learning_rate_too_high" for each in dead)


def test_many_zeros_are_not_dead_neurons(trainer: Trainer) -> None:
    """A healthy net for digits puts out mostly zeros, other ones for each row."""
    x, y = load_digits(return_X_y=True)
    trained = trainer.train(
        Rows(x[:900], [f"digit {each}" for each in y[:900]]),
        data={"scaling": "minmax"},
        network=dense(512, 512),
        compile={"optimizer": {"learning_rate": 0.007}},
        fit={"epochs": 15, "early_stopping": None},
    )

    last = trained.course.measurements[-1]
    assert min(layer.zeros or 0 for layer in last.layers[:-1]) > 0.7
    assert "dead_neurons" not in [each.code for each in trained.judgement.findings]
    assert trained.codes == []


@pytest.mark.parametrize("rows", [clouds, rings, wages])
def test_the_same_data_in_a_usual_setting_have_no_problem(
    trainer: Trainer, rows: Callable[[], Rows]
) -> None:
    trained = trainer.train(rows(), network=dense(32, 32), compile=ADAM, fit=EPOCHS)

    assert "problem" not in {each.severity for each in trained.judgement.findings}
    fit = trained.course.measurements[-1].lack_of_fit
    assert fit is not None
    assert fit.share < 0.1


@pytest.mark.parametrize("network", [dense(), dense(1, activation="linear")])
def test_of_a_straight_line_a_network_without_a_bend_leaves_noise(
    trainer: Trainer, network: dict[str, Any]
) -> None:
    trained = trainer.train(straight(), network=network, compile=ADAM, fit={"epochs": 60})

    fit = trained.course.measurements[-1].lack_of_fit
    assert fit is not None
    assert fit.share < 0.1
    said = {each.code: each for each in trained.judgement.checks}["underfitting"]
    assert said.outcome == "healthy"
    assert loss_left(trained.course) > 0.3


def test_without_measuring_only_the_curves_are_judged(trainer: Trainer) -> None:
    trained = trainer.train(
        clouds(), network=dense(8), fit={"epochs": 3}, health={"measure": False}
    )

    said = {each.code: each.outcome for each in trained.judgement.checks}
    assert said["dead_neurons"] == "not_applicable"
    assert said["diverged"] == "healthy"
