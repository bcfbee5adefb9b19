"""A conclusion tells the fault of the winner, else what most trials share, and what to do."""

from collections.abc import Collection, Mapping, Sequence

import pytest

from health.experiment.telling import OF_LEARNING_RATES, telling
from models.findings import Finding, Spread


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


def told(
    found: Mapping[int, Sequence[Finding]], winner: int | None, told: Collection[str] = ()
) -> str | None:
    """The sentence on these trials, counted as the database counts them."""
    having: dict[str, dict[int, str]] = {}
    for number, findings in found.items():
        for each in findings:
            if each.consequence_of is None and each.severity != "info":
                having.setdefault(each.code, {})[number] = each.severity
    spread = [
        Spread(
            code, len(trials), min((n for n, s in trials.items() if s == "problem"), default=None)
        )
        for code, trials in sorted(having.items())
    ]
    return telling(found.__getitem__, spread, judged=len(found), winner=winner, told=told)


def test_a_fault_of_the_winner_is_told_with_its_share_and_its_advice() -> None:
    found = {1: [finding("dead_neurons")], 2: [], 3: [finding("dead_neurons")]}
    assert told(found, winner=3) == (
        "Health of the winner, trial 3: dead neurons (2 of 3 trials). 60 % of dense never answer. "
        "Try LeakyReLU."
    )


def test_of_several_faults_of_the_winner_the_worst_cause_is_told() -> None:
    found = [
        finding("vanishing_gradients", cause="dead_neurons"),
        finding("oscillating", "warning"),
        finding("dead_neurons"),
    ]
    assert (told({1: found}, winner=1) or "").startswith("Health of the winner, trial 1: dead")


def test_beside_a_healthy_winner_only_what_most_trials_share_is_told() -> None:
    dead = [finding("dead_neurons")]
    assert told({1: [], 2: dead}, winner=1) is None
    most = told({1: [], 2: dead, 3: dead}, winner=1)
    assert (most or "").startswith("Health of trial 2: dead neurons (2 of 3 trials). ")


def test_what_most_share_is_told_of_the_first_that_has_it_as_a_problem() -> None:
    found = {
        1: [finding("dead_neurons", "warning")],
        2: [finding("inputs_not_scaled"), finding("dead_neurons")],
        3: [finding("inputs_not_scaled"), finding("dead_neurons", "warning")],
    }
    shared = told(found, winner=None)
    assert (shared or "").startswith("Health of trial 2: dead neurons (3 of 3 trials). ")


def test_of_two_faults_that_the_same_trials_share_the_one_that_was_found_first_is_told() -> None:
    found = {1: [finding("inputs_not_scaled"), finding("dead_neurons")]}
    assert (told(found, winner=None) or "").startswith("Health of trial 1: inputs not scaled. ")


@pytest.mark.parametrize("winner", [1, None])
def test_healthy_trials_have_nothing_to_tell(winner: int | None) -> None:
    found = {1: [finding("overfitting", "info")], 2: []}
    assert told(found, winner=winner) is None
    assert told({}, winner=None) is None


def test_what_a_comparison_of_rates_says_of_each_rate_is_not_told_again() -> None:
    found = {1: [finding("learning_rate_too_low")]}
    assert told(found, winner=1, told=OF_LEARNING_RATES) is None
    assert told(found, winner=1) is not None
