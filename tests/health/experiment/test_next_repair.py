"""What is repaired where a client leaves that open: the winner's worst, a cause first."""

import pytest

from health.experiment.next_repair import Choice, Tried, choices
from models.findings import Finding, Severity


def finding(
    code: str, severity: Severity = "problem", *, patch: bool = True, of: str | None = None
) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        evidence="As seen.",
        explanation="So it is.",
        advice="Do that.",
        patch=({"op": "replace", "path": "/fit/epochs", "value": 40},) if patch else (),
        consequence_of=of,
    )


INFO, WARNING, PROBLEM = finding("c", "info"), finding("b", "warning"), finding("a")


@pytest.mark.parametrize(
    ("found", "trial", "code"),
    [
        ({1: [PROBLEM], 2: [INFO]}, 2, "c"),
        ({2: [INFO, WARNING, PROBLEM]}, 2, "a"),
        ({2: [finding("x", of="y"), finding("y")]}, 2, "y"),
        ({2: [finding("x", of="b"), WARNING, INFO]}, 2, "b"),
        ({2: [finding("x", "warning", of="c"), INFO]}, 2, "c"),
        ({2: [finding("x", "info", of="c"), INFO, finding("y", "warning")]}, 2, "y"),
        ({2: [finding("x", patch=False), WARNING]}, 2, "b"),
        ({4: [PROBLEM], 3: [WARNING], 2: [finding("x", patch=False)]}, 3, "b"),
        ({2: [finding("first"), finding("second")]}, 2, "first"),
    ],
)
def test_the_winners_worst_cause_that_has_a_patch_comes_first(
    found: dict[int, list[Finding]], trial: int, code: str
) -> None:
    choice = next(choices(found, winner=2))
    assert (choice.trial, choice.finding.code) == (trial, code)


def test_one_that_is_named_is_chosen_wherever_it_is() -> None:
    assert list(choices({2: [PROBLEM], 5: [WARNING]}, winner=2, code="b")) == [Choice(5, WARNING)]


def test_without_a_patch_there_is_nothing_to_choose() -> None:
    assert not list(choices({}, winner=None))
    assert not list(choices({1: [finding("a", patch=False)]}, winner=1))
    assert not list(choices({1: [PROBLEM]}, winner=1, code="b"))


def test_what_did_not_help_is_not_chosen_again_but_what_goes_further_is() -> None:
    found = {1: [PROBLEM, WARNING]}

    def chosen(code: str, *paths: str) -> list[str]:
        tried = [Tried(code, frozenset(paths))]
        return [each.finding.code for each in choices(found, 1, tried=tried)]

    assert chosen("a", "/fit/epochs", "/name") == ["b"]
    assert chosen("a", "/fit/batch_size") == ["a", "b"]
    assert chosen("another", "/fit/epochs") == ["a", "b"]


@pytest.mark.parametrize(
    ("tried", "code", "is_left_out"),
    [
        ("learning_rate_too_high", "diverged", True),
        ("diverged", "oscillating", True),
        ("learning_rate_too_high", "learning_rate_too_low", False),  # the other way
    ],
)
def test_a_rate_that_was_lowered_in_vain_is_not_lowered_for_another_finding(
    tried: str, code: str, *, is_left_out: bool
) -> None:
    lowered = [Tried(tried, frozenset({"/fit/epochs"}))]

    assert (not [*choices({1: [finding(code)]}, 1, tried=lowered)]) is is_left_out
