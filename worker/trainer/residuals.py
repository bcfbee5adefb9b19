"""What a network leaves over of its targets, in the terms of the loss that it makes small."""

import numpy as np
from numpy.typing import NDArray

from models.specs import losses
from models.specs.losses import AnyLoss

Floats = NDArray[np.float64]


def residuals(spec: AnyLoss, y: NDArray[np.generic], outputs: NDArray[np.float32]) -> Floats | None:
    """Minus the gradient of the loss by the prediction; of classes by their logits.

    Those are the pseudo-residuals of Friedman, "Greedy function approximation" (2001): of a mean
    squared error the plain differences, of cross-entropies target minus probability. Their mean
    given the inputs is 0 for a network that could not be better, so what inputs explain of them is
    lack of fit.

    Args:
        spec: resolved.
        y: targets as the loss wants them, (rows,) or (rows, outputs).
        outputs: of the last layer, (rows, outputs).

    Returns:
        (rows, outputs); None for losses by which a right network's have another mean, as those of
        margins, for outputs of several axes, and where one is not finite.
    """
    if len(outputs) != len(y) or not np.isfinite(outputs).all():
        return None
    found = outputs.astype(np.float64)
    if spec.encoding == "number":
        return _of_numbers(spec, np.asarray(y, np.float64), found)
    if spec.encoding == "binary":
        return _of_two(spec, np.asarray(y, np.float64), found)
    return _of_classes(spec, y, found)


def _of_numbers(spec: AnyLoss, y: Floats, predicted: Floats) -> Floats | None:
    left = y - predicted
    match spec:
        case losses.MeanSquaredError() | losses.Poisson():
            return left
        case losses.MeanAbsoluteError():
            return np.sign(left)
        case losses.Huber():
            return np.clip(left, -spec.delta, spec.delta)
        case losses.LogCosh():
            return np.tanh(left)
        case losses.MeanSquaredLogarithmicError():
            return np.asarray(np.log1p(np.maximum(y, 0)) - np.log1p(np.maximum(predicted, 0)))
        case _:
            return None


def _of_two(spec: AnyLoss, y: Floats, outputs: Floats) -> Floats | None:
    if not isinstance(spec, losses.BinaryCrossentropy):
        return None
    smooth = y * (1 - spec.label_smoothing) + spec.label_smoothing / 2
    if spec.from_logits:
        return np.asarray(smooth - (1 + np.tanh(outputs / 2)) / 2)  # a sigmoid without overflow
    return np.asarray(smooth - outputs)


def _of_classes(spec: AnyLoss, y: NDArray[np.generic], outputs: Floats) -> Floats | None:
    match spec:
        case losses.CategoricalCrossentropy():
            smoothing = spec.label_smoothing
            target = np.asarray(y, np.float64) * (1 - smoothing) + smoothing / outputs.shape[1]
        case losses.KLDivergence():
            target = np.asarray(y, np.float64)
        case losses.SparseCategoricalCrossentropy():
            target = np.zeros_like(outputs)
            target[np.arange(len(y)), y.reshape(-1).astype(np.int64)] = 1
        case _:
            return None
    return np.asarray(target - (_softmax(outputs) if _of_logits(spec) else outputs))


def _of_logits(spec: AnyLoss) -> bool:
    return bool(getattr(spec, "from_logits", False))


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
