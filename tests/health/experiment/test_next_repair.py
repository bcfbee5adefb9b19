"""What is repaired where a client leaves that open: the winner's worst, a cause first."""

import pytest

from health.experiment.next_repair import Choice, choose
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
        ({2: [finding("x", of="c"), INFO]}, 2, "x"),
        ({2: [finding("x", patch=False), WARNING]}, 2, "b"),
        ({4: [PROBLEM], 3: [WARNING], 2: [finding("x", patch=False)]}, 3, "b"),
        ({2: [finding("first"), finding("second")]}, 2, "first"),
    ],
)
def test_the_winners_worst_cause_that_has_a_patch_comes_first(
    found: dict[int, list[Finding]], trial: int, code: str
) -> None:
    choice = choose(found, winner=2)
    assert choice is not None
    assert (choice.trial, choice.finding.code) == (trial, code)


def test_one_that_is_named_is_chosen_wherever_it_is() -> None:
    assert choose({2: [PROBLEM], 5: [WARNING]}, winner=2, code="b") == Choice(5, WARNING)


def test_without_a_patch_there_is_nothing_to_choose() -> None:
    assert choose({}, winner=None) is None
    assert choose({1: [finding("a", patch=False)]}, winner=1) is None
    assert choose({1: [PROBLEM]}, winner=1, code="b") is None
