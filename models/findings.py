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
    """One fact about a training's health that was judged, with its evidence and what to do."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    code: str
    """Stable, machine readable: "diverged"."""
    severity: Severity
    """The harm: a problem keeps a training from being of use, a warning costs something, and what
    is info did no harm to the network that is handed out."""
    layer: str | None = None
    """Name of the layer that it concerns; null for the whole network."""
    pointer: str | None = None
    """Where in the spec, for what is found before training."""
    first_epoch: int | None = None
    """When it was first seen, from 1; 0 is before training."""
    value: Measured = None
    """What was measured, in the unit of `threshold`; null where it is not finite."""
    threshold: Measured = None
    """The limit that it crossed."""
    evidence: str
    """The numbers behind it, in words."""
    explanation: str
    """What it means."""
    advice: str
    """What to try."""
    patch: Patch = ()
    """A JSON Patch (RFC 6902) on the experiment's spec that carries the advice out; empty where
    there is nothing to change."""
    consequence_of: str | None = None
    """Code of the finding that explains this one; null for a cause of its own."""


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
    """What a rule came to, also where it found nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    code: str
    """Of the finding that it looks for."""
    outcome: Literal["found", "healthy", "not_applicable"]
    """Whether it was found, or could not even be asked."""
    reason: str
    """The numbers that decided, or why the rule does not apply."""


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
