"""A judged fact about a training's health: what was seen, how it was judged, what to do."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue


class Finding(BaseModel):
    """One finding.

    Attributes:
        code: stable, machine readable: "diverged".
        severity: how much it matters.
        layer: name of the layer it concerns; None for the whole network.
        first_epoch: when it was first seen, from 1; 0 is before training.
        value, threshold: the measurement and the limit it crossed, in the same unit.
        evidence: the numbers behind it, in words.
        explanation: what it means.
        advice: what to try.
        patch: a JSON Patch (RFC 6902) on the experiment's spec that carries the advice out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    severity: Literal["info", "warning", "problem"]
    layer: str | None = None
    first_epoch: int | None = None
    value: float | None = None
    threshold: float | None = None
    evidence: str
    explanation: str
    advice: str
    patch: tuple[dict[str, JsonValue], ...] = ()
