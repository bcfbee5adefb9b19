"""Judges a training: asks every rule, and tells causes from their consequences.

Pure: a Course in, findings out. It never raises, whatever a training did or left unmeasured.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from health.course import Course
from health.rules import divergence
from health.verdict import Found, Healthy, Rule, Verdict
from models.findings import Check, Finding
from models.specs.experiment import ExperimentSpec

# In the order of the docs.
RULES: Mapping[str, Rule] = {
    divergence.CODE: divergence.check,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a training's judge says.

    Attributes:
        findings: causes first, each with its consequences after it.
        checks: one a rule, in the order of RULES.
    """

    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]


def judge(course: Course, *, spec: ExperimentSpec, changes: Mapping[str, JsonValue]) -> Judgement:
    """Judge a training that is over, or as far as it came.

    Args:
        course: what it did.
        spec: of its experiment, on which patches are written.
        changes: of its trial.
    """
    del spec, changes  # no patches yet
    verdicts = {code: rule(course) for code, rule in RULES.items()}
    return Judgement(
        findings=tuple(
            verdict.finding for verdict in verdicts.values() if isinstance(verdict, Found)
        ),
        checks=tuple(_check(code, verdict) for code, verdict in verdicts.items()),
    )


def _check(code: str, verdict: Verdict) -> Check:
    if isinstance(verdict, Found):
        return Check(code=code, outcome="found", reason=verdict.finding.evidence)
    outcome = "healthy" if isinstance(verdict, Healthy) else "not_applicable"
    return Check(code=code, outcome=outcome, reason=verdict.reason)
