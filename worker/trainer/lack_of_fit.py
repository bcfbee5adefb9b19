"""How much of a network's errors its inputs could still explain: the classical lack of fit.

What a network leaves over is noise where it is large enough and trained long enough; where it is
not, a simple regression on the same inputs foresees part of it. Reckoned once, in numpy with a
generator of its own, so nothing of the training notices.
"""

import math

import numpy as np
from numpy.typing import NDArray

from models.measurements import LackOfFit

# Fewer say nothing of anything.
LEAST_ROWS = 16
# ReLU features: one for so many rows, and no more than suffice. With twice as many of either the
# shares of nine datasets' linear networks came out at most 0.14 higher, for thrice the work.
ROWS_A_FEATURE = 4
MOST_FEATURES = 128
# Inputs that a feature looks at. Of tables it takes few at a time, and of images they stand for
# their neighbours; with all inputs in each feature half as much was found of friedman's.
MOST_INPUTS = 4
# Inputs that are there as they are; of more, so many are drawn.
MOST_PLAIN = 64
# Outputs; of more, so many random mixtures, which keep their squares on average (Johnson and
# Lindenstrauss, 1984).
MOST_OUTPUTS = 32
# What ridge regression adds to the features' variances. The one that foresees best is taken.
RIDGES = (0.001, 0.01, 0.1, 1.0, 10.0)

# Of a column, as a share of its size, below which it is constant but for rounding.
_CONSTANT = 1e-6

Floats = NDArray[np.float64]


def lack_of_fit(x: NDArray[np.generic], residuals: Floats, seed: int) -> LackOfFit | None:
    """The share of the residuals' squares that is foreseen from the inputs, row by row left out.

    Ridge regression on the inputs and a layer of random ReLU units (Rahimi and Recht, "Weighted
    sums of random kitchen sinks", 2008), each of a few inputs (Hashemi et al., "Generalization
    bounds for sparse random feature expansions", 2023). PRESS (Allen, 1974) is the sum of the
    squares of what is wrong with the prediction of each row by all the others, and the share is 1
    - PRESS / the same for the mean of the others. The standard error is that of a ratio of two
    means of the same rows (Cochran, "Sampling techniques", 1977).

    Args:
        x: inputs, (rows, ...).
        residuals: what is left of the targets, (rows, outputs).
        seed: of the features.

    Returns:
        None for few rows, where residuals are not finite or all the same, and where inputs are not
        finite.
    """
    rows = len(residuals)
    if rows < LEAST_ROWS or not np.isfinite(residuals).all():
        return None
    chance = np.random.default_rng((seed, rows))
    if residuals.shape[1] > MOST_OUTPUTS:
        mix = chance.normal(size=(residuals.shape[1], MOST_OUTPUTS))
        residuals = residuals @ (mix / math.sqrt(MOST_OUTPUTS))
    of_mean = _squares((residuals - residuals.mean(axis=0)) * rows / (rows - 1))
    total = float(of_mean.sum())
    if not total > 0:
        return None
    features = _features(x, chance)
    if not np.isfinite(features).all():
        return None
    wrong = min(left_out(features, residuals), key=lambda each: float(each.sum()))
    share = 1 - float(wrong.sum()) / total
    spread = float(np.std(wrong - (1 - share) * of_mean, ddof=1)) * math.sqrt(rows) / total
    return LackOfFit(share=max(0.0, share), standard_error=spread)


def left_out(features: Floats, targets: Floats) -> list[Floats]:
    """How wrong a ridge regression is about each row that has learned from all the others.

    In closed form: the error of a row that helped to learn, over 1 less its weight in its own
    prediction. The constant is not held back.

    Args:
        features: (rows, features), of mean 0.
        targets: (rows, outputs).

    Returns:
        For each of RIDGES the squares summed over the outputs, (rows,).
    """
    rows = len(features)
    variances, axes = np.linalg.eigh(features.T @ features)
    turned = features @ axes
    squares, centred = turned**2, targets - targets.mean(axis=0)
    along = turned.T @ centred
    found = []
    for ridge in RIDGES:
        held = np.maximum(variances, 0) + ridge * rows
        weight = 1 / rows + squares @ (1 / held)
        error = centred - turned @ (along / held[:, None])
        found.append(_squares(error / (1 - weight)[:, None]))
    return found


def _features(x: NDArray[np.generic], chance: np.random.Generator) -> Floats:
    """Inputs and ReLU units of some of them, each of mean 0 and variance 1, (rows, features)."""
    flat = x.reshape(len(x), -1)
    width, count = flat.shape[1], min(MOST_FEATURES, len(x) // ROWS_A_FEATURE)
    plain = np.arange(width)
    if width > MOST_PLAIN:
        plain = chance.choice(width, MOST_PLAIN, replace=False)
    looked_at = chance.integers(width, size=(MOST_INPUTS, count))
    weights = chance.normal(size=looked_at.shape)
    weights[np.arange(MOST_INPUTS)[:, None] >= chance.integers(1, MOST_INPUTS + 1, size=count)] = 0
    weights /= np.linalg.norm(weights, axis=0)
    biases = chance.normal(size=count)

    used, places = np.unique(np.concatenate([plain, looked_at.ravel()]), return_inverse=True)
    inputs = _standardized(flat[:, used])
    kernel = np.zeros((len(used), count))
    np.add.at(kernel, (places[len(plain) :].reshape(looked_at.shape), np.arange(count)), weights)
    units = np.maximum(inputs @ kernel + biases, 0)
    return np.hstack([inputs[:, places[: len(plain)]], _standardized(units)])


def _standardized(columns: NDArray[np.generic]) -> Floats:
    """Each of mean 0 and variance 1; 0 where it is constant."""
    values = columns.astype(np.float64)
    centre, spread = values.mean(axis=0), values.std(axis=0)
    varies = spread > _CONSTANT * np.abs(centre)
    scaled: Floats = (values - centre) * np.where(varies, 1 / np.where(varies, spread, 1), 0)
    return scaled


def _squares(values: Floats) -> Floats:
    """Summed over the outputs, (rows,)."""
    return np.asarray((values**2).sum(axis=1))
