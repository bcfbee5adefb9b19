"""Judges a training: asks every rule, and tells causes from their consequences.

Pure: a Course in, findings out. It never raises, whatever a training did or left unmeasured.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from health.causes import in_order
from health.course import Course
from health.patches import patch
from health.repairs.repair import Repair
from health.rules import (
    dead,
    divergence,
    exploding_gradients,
    imbalance,
    inputs,
    learned_nothing,
    learning_rate_too_high,
    learning_rate_too_low,
    not_converged,
    oscillation,
    overfitting,
    saturation,
    underfitting,
    vanishing_gradients,
)
from health.verdict import Found, Healthy, Rule, Verdict
from models.errors import Invalid
from models.findings import Check, Judgement, Patch
from models.resolve import complete
from models.specs.experiment import ExperimentSpec
from models.trial import changed

# In the order of docs/health.md.
RULES: Mapping[str, Rule] = {
    inputs.CODE: inputs.check,
    dead.CODE: dead.check,
    vanishing_gradients.CODE: vanishing_gradients.check,
    exploding_gradients.CODE: exploding_gradients.check,
    divergence.CODE: divergence.check,
    saturation.CODE: saturation.check,
    learning_rate_too_low.CODE: learning_rate_too_low.check,
    learning_rate_too_high.CODE: learning_rate_too_high.check,
    not_converged.CODE: not_converged.check,
    oscillation.CODE: oscillation.check,
    overfitting.CODE: overfitting.check,
    learned_nothing.CODE: learned_nothing.check,
    underfitting.CODE: underfitting.check,
    imbalance.CODE: imbalance.check,
}


def judge(course: Course, *, spec: ExperimentSpec, changes: Mapping[str, JsonValue]) -> Judgement:
    """Judge a training that is over, or as far as it came.

    Args:
        course: what it did.
        spec: of its experiment, on which patches are written.
        changes: of its trial.
    """
    verdicts = {code: rule(course) for code, rule in RULES.items()}
    found = [each for each in verdicts.values() if isinstance(each, Found)]
    patched = [
        each.finding.model_copy(update={"patch": _patch(each.repair, course, spec, changes)})
        for each in found
    ]
    return Judgement(
        findings=in_order(patched),
        checks=tuple(_check(code, verdict) for code, verdict in verdicts.items()),
    )


def _patch(
    repair: Repair, course: Course, spec: ExperimentSpec, changes: Mapping[str, JsonValue]
) -> Patch:
    """From the experiment's spec to this one training, repaired; none where nothing is to change.

    A repair that the spec or the data do not allow is none: better no advice than a refused one.
    """
    try:
        trial = changed(spec, {**changes, "seed": course.trial.seed, **_ONCE})
        repaired = changed(trial, repair(trial))
        complete(repaired, course.facts)
    except (AttributeError, LookupError, TypeError, ValueError, Invalid):
        return ()
    return patch(spec, repaired) if repaired != trial else ()


# A patched spec is one training: the trial's, repaired.
_ONCE: Mapping[str, JsonValue] = {"repeats": 1}


def _check(code: str, verdict: Verdict) -> Check:
    if isinstance(verdict, Found):
        return Check(code=code, outcome="found", reason=verdict.finding.evidence)
    outcome: Literal["healthy", "not_applicable"] = (
        "healthy" if isinstance(verdict, Healthy) else "not_applicable"
    )
    return Check(code=code, outcome=outcome, reason=verdict.reason)
