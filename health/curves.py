"""Reads the curves of a Course as rules want them: NaN where a number was not finite."""

import math

from health.course import Course


def curve(course: Course, metric: str) -> tuple[float, ...]:
    """A metric of the epochs 1, 2, …; NaN where it was not finite, empty where it is not there."""
    if not any(metric in row for row in course.epochs):
        return ()
    return tuple(_number(row.get(metric)) for row in course.epochs)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
