"""Repairs of the learning rate: lower or higher by tens, schedules as a whole, and stretched."""

from pydantic import JsonValue

from health.repairs.repair import Changes
from models.specs.experiment import ExperimentSpec
from models.specs.schedules import MAX_LEARNING_RATE, MAX_STEPS, PiecewiseConstantDecay

# So small a rate changes no 32-bit weight any more.
LEAST_LEARNING_RATE = 1e-12

# What a learning rate is changed by at a time.
FACTOR = 10.0
# That 0.1 x 0.1 is not below 0.01 by a bit.
ROUNDING = 1.0 + 1e-6

_RATE = "compile.optimizer.learning_rate"
_RATES_OF_SCHEDULES = ("initial_learning_rate", "end_learning_rate", "warmup_target")
_LENGTHS_OF_SCHEDULES = ("decay_steps", "first_decay_steps")


def lower_learning_rate(spec: ExperimentSpec) -> Changes:
    """A tenth, and again a tenth of that while it is above ten times Keras's default."""
    return _lowered(spec, FACTOR * spec.compile.optimizer.default_rate)


def stop_divergence(spec: ExperimentSpec) -> Changes:
    """A tenth of the learning rate, and again while it is above Keras's default."""
    return _lowered(spec, spec.compile.optimizer.default_rate)


def raise_learning_rate(spec: ExperimentSpec) -> Changes:
    """Ten times as high, and again ten times while it is below Keras's default."""
    rate, usual = _highest(spec), spec.compile.optimizer.default_rate
    times = FACTOR
    while rate * times * ROUNDING < usual:
        times *= FACTOR
    return _multiplied(spec, times)


def stretched(spec: ExperimentSpec, times: float) -> dict[str, JsonValue]:
    """The same schedule over so many times the steps; a warm-up stays as long as it is.

    Nothing for a rate that is one number.
    """
    rate = spec.compile.optimizer.learning_rate
    if isinstance(rate, PiecewiseConstantDecay):
        return {f"{_RATE}.boundaries": [_steps(each * times) for each in rate.boundaries]}
    named = {field: getattr(rate, field, None) for field in _LENGTHS_OF_SCHEDULES}
    return {f"{_RATE}.{field}": _steps(each * times) for field, each in named.items() if each}


def _lowered(spec: ExperimentSpec, most: float) -> Changes:
    rate, times = _highest(spec), 1 / FACTOR
    while rate * times > most * ROUNDING:
        times /= FACTOR
    return _multiplied(spec, times)


def _multiplied(spec: ExperimentSpec, times: float) -> Changes:
    """The learning rate so many times as high; of a schedule each rate that it names."""
    rate = spec.compile.optimizer.learning_rate
    if isinstance(rate, float | int):
        return {_RATE: _rate(rate * times)}
    if isinstance(rate, PiecewiseConstantDecay):
        return {f"{_RATE}.values": [_rate(value * times) for value in rate.values]}
    named = {field: getattr(rate, field, None) for field in _RATES_OF_SCHEDULES}
    return {
        f"{_RATE}.{field}": _rate(value * times)
        for field, value in named.items()
        if value  # a warm-up may begin at 0
    }


def _highest(spec: ExperimentSpec) -> float:
    """The learning rate, or the highest that a schedule names."""
    rate = spec.compile.optimizer.learning_rate
    if isinstance(rate, float | int):
        return float(rate)
    if isinstance(rate, PiecewiseConstantDecay):
        return max(rate.values)
    return max(getattr(rate, field, None) or 0.0 for field in _RATES_OF_SCHEDULES)


def _rate(value: float) -> float:
    """As a person would write it: 0.003, not 0.0030000000000000001."""
    return float(f"{min(max(value, LEAST_LEARNING_RATE), MAX_LEARNING_RATE):.4g}")


def _steps(value: float) -> int:
    return min(round(value), MAX_STEPS)
