"""The loss of the best prediction that looks at no input: what a network has to beat.

Of most losses that prediction has a formula; of the rest, some candidates are tried.
"""

import math
from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from models.specs import losses
from models.specs.losses import AnyLoss
from worker.trainer.optimizer import loss

Floats = NDArray[np.float64]

# Where Keras cuts probabilities off.
_EPSILON = 1e-7
# A focal loss is served best by shares that are a little evened out.
_POWERS = np.linspace(0.3, 1.0, 8)
_CHANCES = np.linspace(0.01, 0.99, 99)
# The best number by a loss that is square in the middle and straight outside is about between the
# best by either.
_STEPS = np.linspace(0.0, 1.0, 9)


def prior(spec: AnyLoss, y: NDArray[np.generic]) -> float | None:
    """The mean loss of the best constant; None where it is not finite.

    Args:
        spec: resolved.
        y: targets as the loss wants them, at least one.
    """
    targets, shares = np.unique(y, axis=0, return_counts=True)
    unreduced = loss(spec, reduction="none")
    with np.errstate(all="ignore"):
        found = [_mean(unreduced, targets, shares, candidate) for candidate in _candidates(spec, y)]
    return min(filter(math.isfinite, found), default=None)


def _mean(
    unreduced: keras.Loss, targets: NDArray[np.generic], counts: NDArray[np.intp], constant: Floats
) -> float:
    predicted = np.tile(constant.astype(np.float32), (len(targets), 1))
    each = keras.ops.convert_to_numpy(unreduced(targets, predicted))
    return float(np.average(each.reshape(len(targets), -1).mean(axis=1), weights=counts))


def _candidates(spec: AnyLoss, y: NDArray[np.generic]) -> Sequence[Floats]:
    """Constants of which one is the best or close to it, (outputs,) each."""
    if spec.encoding == "number":
        return _numbers(spec, y.astype(np.float64))
    if spec.encoding == "binary":
        return [np.array([each]) for each in _of_two(spec, float(y.mean()))]
    return _of_classes(spec, _shares(y))


def _shares(y: NDArray[np.generic]) -> Floats:
    """Of each class, (classes,); of class numbers up to the highest that is there."""
    counts = np.bincount(y) if y.ndim == 1 else y.sum(axis=0)
    shares: Floats = np.asarray(counts, np.float64) / len(y)
    return shares


def _of_classes(spec: AnyLoss, shares: Floats) -> Sequence[Floats]:
    match spec:
        case losses.CategoricalHinge():
            return [np.zeros_like(shares), np.eye(len(shares))[shares.argmax()]]
        case losses.CategoricalGeneralizedCrossEntropy():
            # Lagrange: share * p^(q - 1) is the same for all classes.
            return [_normalized(shares / shares.max(), 1 / (1 - spec.q))]
        case losses.CategoricalFocalCrossentropy():
            smooth = _smoothed(shares, spec.label_smoothing)
            found = [_normalized(smooth, power) for power in _POWERS]
        case losses.CategoricalCrossentropy():
            found = [_smoothed(shares, spec.label_smoothing)]
        case _:
            found = [shares]
    if getattr(spec, "from_logits", False):
        return [np.log(np.maximum(each, _EPSILON)) for each in found]
    return found


def _of_two(spec: AnyLoss, share: float) -> Sequence[float]:
    match spec:
        case losses.Hinge():
            return [-1.0, 1.0]
        case losses.SquaredHinge():
            return [2 * share - 1]
        case losses.BinaryFocalCrossentropy():
            found = [share, *_CHANCES]
        case losses.BinaryCrossentropy():
            found = [share * (1 - spec.label_smoothing) + spec.label_smoothing / 2]
        case _:
            found = [share]
    if getattr(spec, "from_logits", False):
        clipped = np.clip(found, _EPSILON, 1 - _EPSILON)
        return list(np.log(clipped / (1 - clipped)))
    return found


def _numbers(spec: AnyLoss, y: Floats) -> Sequence[Floats]:
    mean, median = y.mean(axis=0), np.median(y, axis=0)
    match spec:
        case losses.MeanAbsoluteError():
            return [median]
        case losses.MeanAbsolutePercentageError():
            return [_weighted_median(y, 1 / np.maximum(np.abs(y), _EPSILON))]
        case losses.MeanSquaredLogarithmicError():
            return [np.expm1(np.log1p(np.maximum(y, _EPSILON)).mean(axis=0))]
        case losses.Huber() | losses.LogCosh():
            return [mean + step * (median - mean) for step in _STEPS]
        case losses.CosineSimilarity():
            lengths = np.linalg.norm(y, axis=1, keepdims=True)
            return [(y / np.maximum(lengths, _EPSILON)).mean(axis=0)]
        case _:
            return [mean]


def _smoothed(shares: Floats, smoothing: float) -> Floats:
    return shares * (1 - smoothing) + smoothing / len(shares)


def _normalized(shares: Floats, power: float) -> Floats:
    raised: Floats = shares**power
    return np.asarray(raised / raised.sum())


def _weighted_median(y: Floats, weights: Floats) -> Floats:
    """Of each column: half of its weight is on either side."""
    order = np.argsort(y, axis=0)
    sums = np.take_along_axis(weights, order, axis=0).cumsum(axis=0)
    middle = (sums < sums[-1:] / 2).sum(axis=0)
    return np.asarray(np.take_along_axis(y, order, axis=0)[middle, np.arange(y.shape[1])])
