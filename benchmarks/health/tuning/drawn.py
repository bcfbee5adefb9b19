"""Drawn tables, by which rules may be changed."""

import numpy as np
from sklearn import datasets

from benchmarks.health.rows import Rows, standardized


def rings() -> Rows:
    """One class around the other, each in its own unit, with a twentieth of the labels wrong."""
    draw = np.random.default_rng(1)
    x = draw.normal(size=(600, 4))
    outer = np.hypot(x[:, 0], x[:, 1]) > 1.2
    wrong = draw.random(600) < 0.05
    units = np.array([15_000.0, 12.0, 1.0, 0.2])
    return Rows("classes", x * units + 3 * units, np.where(outer ^ wrong, 1.0, 0.0))


def prices() -> Rows:
    """A curved number of six columns in units of their own, with noise."""
    draw = np.random.default_rng(2)
    x = draw.normal(size=(600, 6))
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * x[:, 3] + 0.3 * draw.normal(size=600)
    units = np.array([1.0, 30.0, 400.0, 8_000.0, 0.1, 1.0])
    return Rows("numbers", x * units + 2 * units, standardized(y))


def blobs() -> Rows:
    """Five classes of two clouds each that overlap a little, in unit scale as drawn."""
    draw = np.random.default_rng(3)
    centres = draw.normal(scale=1.6, size=(10, 8))
    cloud = draw.integers(0, 10, 800)
    y = np.asarray(cloud % 5, np.float64)
    return Rows("classes", centres[cloud] + draw.normal(size=(800, 8)), y)


def friedman() -> Rows:
    """Friedman's first regression, ten columns within [0, 1], five of them of no use."""
    x, y = datasets.make_friedman1(n_samples=600, n_features=10, noise=1.0, random_state=4)
    return Rows("numbers", np.asarray(x, np.float64), standardized(y))


def hastie() -> Rows:
    """Within or without a ball in ten dimensions, which no single column tells."""
    x, y = datasets.make_hastie_10_2(n_samples=900, random_state=13)
    return Rows("classes", np.asarray(x, np.float64), np.where(y > 0, 1.0, 0.0))


def impedance() -> Rows:
    """Friedman's second regression, an impedance, by columns from 1 to 1,700."""
    x, y = datasets.make_friedman2(n_samples=500, noise=60.0, random_state=14)
    return Rows("numbers", np.asarray(x, np.float64), standardized(y))


def moons() -> Rows:
    """Two half moons that overlap, beside four columns of no use, one of them in the thousands."""
    x, y = datasets.make_moons(n_samples=600, noise=0.25, random_state=15)
    noise = np.random.default_rng(15).normal(size=(600, 4)) * [1.0, 1.0, 0.1, 2_000.0]
    return Rows("classes", np.hstack((x, noise)), np.asarray(y, np.float64))


def corners() -> Rows:
    """Four classes of two clouds each, five of twelve columns no more than mixtures of others."""
    x, y = datasets.make_classification(
        n_samples=800,
        n_features=12,
        n_informative=5,
        n_redundant=5,
        n_classes=4,
        n_clusters_per_class=2,
        class_sep=1.5,
        flip_y=0.03,
        random_state=16,
    )
    return Rows("classes", np.asarray(x, np.float64), np.asarray(y, np.float64))
