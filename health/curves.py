"""Reads a Course as rules want it: curves with NaN for what was not finite, measurements by place.

Nothing is judged here.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from health.course import Course
from models.measurements import LackOfFit, LayerMeasurement, Measurement
from models.specs.layers.layer import LayerSpec
from models.specs.shapes import layer_names


@dataclass(frozen=True, slots=True)
class Place:
    """One layer of the network.

    Attributes:
        index: among the layers, from 0.
        name: as measurements have it.
        layer: its spec.
        is_output: whether it is the last one with weights, or comes after that.
    """

    index: int
    name: str
    layer: LayerSpec
    is_output: bool

    @property
    def activation(self) -> str:
        """By Keras's name; "linear" without one."""
        return str(getattr(self.layer, "activation", None) or "linear")


def curve(course: Course, metric: str) -> tuple[float, ...]:
    """A metric of the epochs 1, 2, …; NaN where it was not finite, empty where it is not there."""
    if not any(metric in row for row in course.epochs):
        return ()
    return tuple(_number(row.get(metric)) for row in course.epochs)


def before_training(course: Course) -> Measurement | None:
    """What was measured of the untrained network; None where it was not."""
    first = course.measurements[0] if course.measurements else None
    return first if first is not None and first.epoch == 0 else None


def trained(course: Course) -> tuple[Measurement, ...]:
    """What was measured after at least one epoch."""
    return tuple(each for each in course.measurements if each.epoch > 0)


def initial_loss(course: Course) -> float:
    """Of the untrained network; NaN where it is not known."""
    first = before_training(course)
    return math.nan if first is None else _number(first.loss)


def prior(course: Course) -> float:
    """The loss of the best constant prediction; NaN where it is not known."""
    return next((each.prior for each in course.measurements if each.prior is not None), math.nan)


def loss_left(course: Course, at: Literal["best", "last"] = "best") -> float:
    """What is left of the prior's loss: 1 where nothing was learned, 0 where all was.

    Of the training rows of the probe; "best" also of the validation rows, since epochs between
    measurements may be better than those that were measured. NaN where it is not known, for losses
    that go below 0, of which no share can be taken, and where classes are weighed, since that aims
    at another loss.
    """
    losses = [_number(each.loss) for each in trained(course)]
    beside = curve(course, "val_loss") if at == "best" and losses else ()
    finite = [loss for loss in (*losses, *beside) if math.isfinite(loss)]
    constant = prior(course)
    weighed = course.trial.fit.class_weight is not None
    if weighed or not finite or not constant > 0 or min(finite) < 0:
        return math.nan
    if at == "last" and not math.isfinite(losses[-1]):
        return math.inf
    return (min(finite) if at == "best" else losses[-1]) / constant


def recent_fall(course: Course) -> float:
    """What the second half of the epochs brought, as a share of the prior's loss.

    Of the validation rows, or of the training rows where none validate. 0 where the last epoch is
    not the best of all; NaN where the prior or a loss is not known, or a loss goes below 0, or it
    is that of weighed classes.
    """
    validation, weighed = curve(course, "val_loss"), course.trial.fit.class_weight is not None
    if weighed and not validation:
        return math.nan
    losses = validation or curve(course, "loss")
    constant, earlier = prior(course), losses[: len(losses) // 2]
    if not earlier or not constant > 0 or not all(map(math.isfinite, losses)) or min(losses) < 0:
        return math.nan
    if losses.index(min(losses)) < len(losses) - 1:
        return 0.0
    return (min(earlier) - losses[-1]) / constant


def lack_of_fit(course: Course) -> LackOfFit | None:
    """What the inputs could still explain of the errors at the end; None where it is not known."""
    after = trained(course)
    return after[-1].lack_of_fit if after else None


def explainable(course: Course) -> float:
    """Its share, of the errors' squares; NaN where it is not known."""
    fit = lack_of_fit(course)
    return math.nan if fit is None else fit.share


def places(course: Course) -> tuple[Place, ...]:
    """The layers in order."""
    layers = course.trial.network.layers
    weighted = [index for index, layer in enumerate(layers) if layer.has_kernel]
    output = weighted[-1] if weighted else 0
    return tuple(
        Place(index, name, layer, index >= output)
        for index, (layer, name) in enumerate(zip(layers, layer_names(layers), strict=True))
    )


def measured(
    course: Course, measurement: Measurement, *, hidden: bool = True
) -> Iterator[tuple[Place, LayerMeasurement]]:
    """The layers with what was measured of them; with `hidden` those before the output alone."""
    of = {each.layer: each for each in measurement.layers}
    for place in places(course):
        if place.name in of and not (hidden and place.is_output):
            yield place, of[place.name]


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
