"""Inputs that reach the first weights far from unit scale."""

from collections.abc import Iterator

from health.static.case import Case, replace
from health.words import number
from models.data_meaning import read_table
from models.findings import Finding
from models.profile import ArrayProfile
from models.specs.layers.core import Rescaling
from models.specs.layers.normalization import Normalization

# The bound of the finding that is made while a network trains, on what it measures: largest |x|.
LARGEST = 10.0
# A hundredth of unit scale: then a weight's gradient is a hundredth of what rates are made for.
SMALLEST = 0.01


def inputs_not_scaled(case: Case) -> Iterator[Finding]:
    """Inputs that are taken as they are, though none is near 1 or some are far above."""
    data = case.spec.data
    if data.scaling != "none" or _is_normalized(case):
        return
    what, reached = _widest(case)
    if reached is None or SMALLEST <= reached <= LARGEST or reached == 0:
        return
    large = reached > LARGEST
    yield Finding(
        code="inputs_not_scaled",
        severity="warning",
        pointer="/data/scaling",
        value=reached,
        threshold=LARGEST if large else SMALLEST,
        evidence=(
            f"{what} {'goes up to' if large else 'never gets beyond'} "
            f"{number(reached, 4)}, unscaled."
        ),
        explanation=(
            "Weights, learning rates and initializers are made for inputs around 1: large ones "
            "make steps overshoot and units saturate, small ones let nothing move."
        ),
        advice='Leave data.scaling at "auto", which suits the data.',
        patch=replace("/data/scaling", "auto"),
    )


def _widest(case: Case) -> tuple[str, float | None]:
    """The largest |x| that goes in, and what it is of; text is one-hot, so 0 or 1."""
    if isinstance(case.profile, ArrayProfile):
        bounds = (case.profile.minimum, case.profile.maximum)
        reached = max((abs(bound) for bound in bounds if bound is not None), default=None)
        return "x", None if reached is None else _rescaled(case, reached)
    columns = read_table(case.profile, case.spec.data).predictors
    if any(column.type == "text" for column in columns):
        largest, named = 1.0, ""
    else:
        largest, named = 0.0, columns[0].name
    for column in columns:
        for bound in (column.minimum, column.maximum):
            if bound is not None and abs(bound) > largest:
                largest, named = abs(bound), column.name
    return f"Column {named!r}", _rescaled(case, largest)


def _rescaled(case: Case, value: float) -> float:
    """After the Rescaling layers that a network begins with."""
    for layer in case.layers:
        if isinstance(layer, Rescaling):
            value = abs(layer.scale) * value + abs(layer.offset)
        elif layer.wants != "any":
            break
    return value


def _is_normalized(case: Case) -> bool:
    before = case.layers[: case.weighted[0]] if case.weighted else case.layers
    return any(isinstance(layer, Normalization) for layer in before)
