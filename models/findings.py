"""A judged fact about a training's health: what was seen, how it was judged, what to do."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue

Severity = Literal["info", "warning", "problem"]

Patch = tuple[dict[str, JsonValue], ...]
"""A JSON Patch (RFC 6902)."""


def _finite(number: float | None) -> float | None:
    """A ratio of numbers that are stored may be none that JSON has."""
    return None if number is None or not math.isfinite(number) else number


Measured = Annotated[float | None, AfterValidator(_finite)]


class Finding(BaseModel):
    """One finding.

    Attributes:
        code: stable, machine readable: "diverged".
        severity: how much it matters.
        layer: name of the layer it concerns; None for the whole network.
        pointer: where in the spec, for what is found before training.
        first_epoch: when it was first seen, from 1; 0 is before training.
        value, threshold: the measurement and the limit it crossed, in the same unit; None where it
            is not finite.
        evidence: the numbers behind it, in words.
        explanation: what it means.
        advice: what to try.
        patch: on the experiment's spec; carries the advice out.
        consequence_of: code of the finding that explains this one; None for a cause of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    severity: Severity
    layer: str | None = None
    pointer: str | None = None
    first_epoch: int | None = None
    value: Measured = None
    threshold: Measured = None
    evidence: str
    explanation: str
    advice: str
    patch: Patch = ()
    consequence_of: str | None = None


class Spread(NamedTuple):
    """How far a fault spread among the trials of an experiment.

    Attributes:
        trials: how many have it, as a cause of its own and more than informational.
        first_problem: the number of the first of them that has it as a problem; None where it is
            only a warning.
    """

    code: str
    trials: int
    first_problem: int | None


class Check(BaseModel):
    """What a rule came to, also where it found nothing.

    Attributes:
        code: of the finding that it looks for.
        outcome: whether it was found, or could not even be asked.
        reason: the numbers that decided, or why the rule does not apply.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    outcome: Literal["found", "healthy", "not_applicable"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a training's judge says; one truth, so it is made and kept as a whole.

    Attributes:
        findings: causes first, each with its consequences after it.
        checks: one a rule.
    """

    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()


NOT_JUDGED = Judgement()
