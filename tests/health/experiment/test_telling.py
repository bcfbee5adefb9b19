"""A conclusion tells the fault of the winner, else what most trials share, and what to do."""

import pytest

from health.experiment.telling import OF_LEARNING_RATES, telling
from models.findings import Finding


def finding(code: str, severity: str = "problem", cause: str | None = None) -> Finding:
    return Finding.model_validate(
        {
            "code": code,
            "severity": severity,
            "evidence": "60 % of dense never answer.",
            "explanation": "They are dead.",
            "advice": "Try LeakyReLU.",
            "consequence_of": cause,
        }
    )


def test_a_fault_of_the_winner_is_told_with_its_share_and_its_advice() -> None:
    found = {1: [finding("dead_neurons")], 2: [], 3: [finding("dead_neurons")]}
    assert telling(found, winner=3) == (
        "Health of the winner, trial 3: dead neurons (2 of 3 trials). 60 % of dense never answer. "
        "Try LeakyReLU."
    )


def test_of_several_faults_of_the_winner_the_worst_cause_is_told() -> None:
    found = [
        finding("vanishing_gradients", cause="dead_neurons"),
        finding("oscillating", "warning"),
        finding("dead_neurons"),
    ]
    assert (telling({1: found}, winner=1) or "").startswith("Health of the winner, trial 1: dead")


def test_beside_a_healthy_winner_only_what_most_trials_share_is_told() -> None:
    dead = [finding("dead_neurons")]
    assert telling({1: [], 2: dead}, winner=1) is None
    most = telling({1: [], 2: dead, 3: dead}, winner=1)
    assert (most or "").startswith("Health of trial 2: dead neurons (2 of 3 trials). ")


@pytest.mark.parametrize("winner", [1, None])
def test_healthy_trials_have_nothing_to_tell(winner: int | None) -> None:
    found = {1: [finding("overfitting", "info")], 2: []}
    assert telling(found, winner=winner) is None
    assert telling({}, winner=None) is None


def test_what_a_comparison_of_rates_says_of_each_rate_is_not_told_again() -> None:
    found = {1: [finding("learning_rate_too_low")]}
    assert telling(found, winner=1, told=OF_LEARNING_RATES) is None
    assert telling(found, winner=1) is not None
