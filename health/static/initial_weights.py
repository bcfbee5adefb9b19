"""Initial weights that keep a network from learning: all alike, far too large, or dead at once."""

from collections.abc import Iterator
from math import prod, sqrt

from health.static.case import Case
from health.words import number
from models.findings import Finding
from models.output import activation_of
from models.specs.initializers import (
    Constant,
    InitializerSpec,
    Ones,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    Zeros,
)
from models.specs.layers.normalization import Normalization

# So many times He's deviation, sqrt(2 / fan in) ("Delving Deep into Rectifiers", 2015, eq. 10),
# which keeps the scale of what passes through: three such layers multiply it by a thousand.
TIMES_HE = 10.0
# Of inputs of unit variance a layer's sums have a deviation of about 1.4, so that a unit with this
# bias is above zero in fewer than 3 rows of 1,000.
DEAD_BIAS = -4.0

_ROLES = ("kernel", "pointwise")
# Of a normal distribution that is cut off at two deviations.
_TRUNCATED = 0.87962566


def constant_weights(case: Case) -> Iterator[Finding]:
    """A hidden layer whose units all start alike: each gets the same gradient, for ever."""
    for place in case.weighted[:-1]:
        layer = case.layers[place]
        if case.resolved.summary.layers[place].output_shape[-1] == 1:
            continue
        for field in (f"{role}_initializer" for role in _ROLES):
            initializer = getattr(layer, field, None)
            if initializer is None or not _is_constant(initializer):
                continue
            yield Finding(
                code="constant_weights",
                severity="problem",
                layer=case.names[place],
                pointer=case.at(place, field),
                evidence=f"All weights of {case.names[place]} start at the same value.",
                explanation=(
                    "Its units put out the same and get the same gradient, so they stay alike: the "
                    "layer learns no more than one unit could."
                ),
                advice="Use a random initializer, such as glorot_uniform.",
                patch=case.replace(place, field, "glorot_uniform"),
            )


def huge_weights(case: Case) -> Iterator[Finding]:
    """A layer that multiplies the scale of what passes through it."""
    for place in case.weighted:
        layer = case.layers[place]
        spread = _deviation(getattr(layer, "kernel_initializer", None))
        if spread is None or _is_normalized(case, place):
            continue
        built = layer.build(case.input_shape(place))
        fan_in = next(prod(w.shape[:-1]) for w in built.weights if w.role == "kernel")
        times = spread / sqrt(2 / fan_in)
        if times > TIMES_HE:
            yield Finding(
                code="huge_weights",
                severity="warning",
                layer=case.names[place],
                pointer=case.at(place, "kernel_initializer"),
                value=times,
                threshold=TIMES_HE,
                evidence=(
                    f"The weights of {case.names[place]} start with a deviation of "
                    f"{number(spread)}, {number(times, 2)} times He's."
                ),
                explanation=(
                    "Activations and gradients grow by about that factor in this layer alone; the "
                    "first losses are huge, and steps overshoot."
                ),
                advice="Use he_normal, or the default glorot_uniform.",
                patch=case.replace(place, "kernel_initializer", "he_normal"),
            )


def dead_at_start(case: Case) -> Iterator[Finding]:
    """A ReLU layer whose biases start so low that its units are hardly ever above zero."""
    for place in case.weighted[:-1]:
        layer = case.layers[place]
        bias = _centre(getattr(layer, "bias_initializer", None))
        if activation_of(layer) not in {"relu", "relu6"} or bias is None or bias > DEAD_BIAS:
            continue
        if getattr(layer, "use_bias", False):
            yield Finding(
                code="dead_at_start",
                severity="problem",
                layer=case.names[place],
                pointer=case.at(place, "bias_initializer"),
                value=bias,
                threshold=DEAD_BIAS,
                evidence=(
                    f"The biases of {case.names[place]} start at {number(bias)}, before a relu."
                ),
                explanation=(
                    "With inputs of unit scale hardly a row brings a unit above zero, and below it "
                    "no gradient comes through to change that."
                ),
                advice="Start biases at zero.",
                patch=case.replace(place, "bias_initializer", "zeros"),
            )


def _is_constant(initializer: InitializerSpec) -> bool:
    match initializer:
        case Zeros() | Ones() | Constant():
            return True
        case RandomNormal() | TruncatedNormal():
            return initializer.stddev == 0
        case RandomUniform():
            return initializer.minval == initializer.maxval
        case _:
            return False


def _deviation(initializer: InitializerSpec | None) -> float | None:
    """Of the weights; None where it follows from the layer's size, or is none."""
    match initializer:
        case RandomNormal():
            return initializer.stddev
        case TruncatedNormal():
            return _TRUNCATED * initializer.stddev
        case RandomUniform():
            return abs(initializer.maxval - initializer.minval) / sqrt(12)
        case _:
            return None


def _centre(initializer: InitializerSpec | None) -> float | None:
    match initializer:
        case Constant():
            return initializer.value
        case RandomNormal() | TruncatedNormal():
            return initializer.mean
        case _:
            return None


def _is_normalized(case: Case, place: int) -> bool:
    """Whether the scale of what a layer puts out does not matter, as it is normalized at once."""
    after = case.layers[place + 1 : place + 2]
    keeps_scale = activation_of(case.layers[place]) in {"linear", "relu"}
    return keeps_scale and any(isinstance(layer, Normalization) for layer in after)
