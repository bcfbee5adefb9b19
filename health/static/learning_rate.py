"""A learning rate that is far from what is usual for its optimizer."""

from collections.abc import Iterator

from health.static.case import Case, replace
from health.words import number
from models.findings import Finding
from models.specs.schedules import CosineDecay, PiecewiseConstantDecay, ScheduleSpec

# A hundredth of Keras's default up to a hundred times it, both left out, except where Keras's own
# documentation or the paper says otherwise: Adagrad and Adadelta are there used with 1.0, and Lion
# with a third to a tenth of what suits Adam (Chen et al., "Symbolic Discovery of Optimization
# Algorithms", 2023, section 5).
USUAL: dict[str, tuple[float, float]] = {
    "SGD": (1e-4, 1.0),
    "Adam": (1e-5, 0.1),
    "AdamW": (1e-5, 0.1),
    "RMSprop": (1e-5, 0.1),
    "Adamax": (1e-5, 0.1),
    "Nadam": (1e-5, 0.1),
    "Adagrad": (1e-5, 10.0),
    "Adadelta": (1e-5, 10.0),
    "Lion": (1e-6, 0.1),
}
"""Optimizer -> at and below, at and above which rate it is unusual."""


def unusual_learning_rate(case: Case) -> Iterator[Finding]:
    """The rate, or the highest one of a schedule, two decades or more from the default."""
    optimizer = case.spec.compile.optimizer
    low, high = USUAL[optimizer.keras_name]
    default = optimizer.default_rate
    field, rate = _highest(optimizer.learning_rate)
    # A velocity adds up 1 / (1 - momentum) gradients in a row.
    reaches = rate / max(1.0 - getattr(optimizer, "momentum", 0.0), 1e-3)
    if rate < high and reaches > low:
        return
    pointer = f"/compile/optimizer/learning_rate{field}"
    above = rate >= high
    yield Finding(
        code="unusual_learning_rate",
        severity="warning",
        pointer=pointer,
        value=rate,
        threshold=high if above else low,
        evidence=(
            f"{optimizer.keras_name} at {number(rate)}; Keras's default is {number(default)}, "
            f"usual is between {number(low)} and {number(high)}."
        ),
        explanation=(
            "Steps that large mostly overshoot: the loss jumps, or never falls again."
            if above
            else "Steps that small get nowhere in the epochs that there are."
        ),
        advice=f"Try {number(default)}, or compare several rates by a search.",
        patch=() if field else replace(pointer, default),
    )


def _highest(rate: float | ScheduleSpec) -> tuple[str, float]:
    """The highest rate, and where below learning_rate it is written."""
    match rate:
        case PiecewiseConstantDecay():
            return "/values", max(rate.values)
        case CosineDecay() if rate.warmup_target is not None:
            return "/warmup_target", max(rate.warmup_target, rate.initial_learning_rate)
        case ScheduleSpec():
            return "/initial_learning_rate", float(getattr(rate, "initial_learning_rate", 0.0))
        case _:
            return "", float(rate)
