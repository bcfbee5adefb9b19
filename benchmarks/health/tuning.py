"""The datasets that rules and thresholds may be changed by: everybody may look at every trial.

Five of them (wine, digits, diabetes, blobs, friedman) were reported on once, when rules were
younger, and have been looked at since; so they are here now.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn import datasets as bundled

from benchmarks.health.rows import Array, Rows, standardized


def _iris() -> Rows:
    return Rows("classes", *_bundled(bundled.load_iris))


def _wine() -> Rows:
    return Rows("classes", *_bundled(bundled.load_wine))


def _breast_cancer() -> Rows:
    return Rows("classes", *_bundled(bundled.load_breast_cancer))


def _digits() -> Rows:
    return Rows("classes", *_bundled(bundled.load_digits))


def _diabetes() -> Rows:
    frame = bundled.load_diabetes(scaled=False)
    return Rows("numbers", np.asarray(frame.data), standardized(np.asarray(frame.target)))


def _bundled(load: Callable[[], Any]) -> tuple[Array, Array]:
    found = load()
    return np.asarray(found.data, np.float64), np.asarray(found.target, np.float64)


def _rings() -> Rows:
    """One class around the other, each in its own unit, with a twentieth of the labels wrong."""
    draw = np.random.default_rng(1)
    x = draw.normal(size=(600, 4))
    outer = np.hypot(x[:, 0], x[:, 1]) > 1.2
    wrong = draw.random(600) < 0.05
    units = np.array([15_000.0, 12.0, 1.0, 0.2])
    return Rows("classes", x * units + 3 * units, np.where(outer ^ wrong, 1.0, 0.0))


def _prices() -> Rows:
    """A curved number of six columns in units of their own, with noise."""
    draw = np.random.default_rng(2)
    x = draw.normal(size=(600, 6))
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * x[:, 3] + 0.3 * draw.normal(size=600)
    units = np.array([1.0, 30.0, 400.0, 8_000.0, 0.1, 1.0])
    return Rows("numbers", x * units + 2 * units, standardized(y))


def _blobs() -> Rows:
    """Five classes of two clouds each that overlap a little, in unit scale as drawn."""
    draw = np.random.default_rng(3)
    centres = draw.normal(scale=1.6, size=(10, 8))
    cloud = draw.integers(0, 10, 800)
    y = np.asarray(cloud % 5, np.float64)
    return Rows("classes", centres[cloud] + draw.normal(size=(800, 8)), y)


def _friedman() -> Rows:
    """Friedman's first regression, ten columns within [0, 1], five of them of no use."""
    x, y = bundled.make_friedman1(n_samples=600, n_features=10, noise=1.0, random_state=4)
    return Rows("numbers", np.asarray(x, np.float64), standardized(y))


TUNING: Mapping[str, Callable[[], Rows]] = {
    "iris": _iris,
    "breast_cancer": _breast_cancer,
    "rings": _rings,
    "prices": _prices,
    "wine": _wine,
    "digits": _digits,
    "diabetes": _diabetes,
    "blobs": _blobs,
    "friedman": _friedman,
}
