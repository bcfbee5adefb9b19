"""The datasets that are only reported on: written down before the rules that they judge were final.

Nobody trains on them, or looks at a finding on one of them, before their figures are recorded; that
they can be learned at all was checked with a forest and a straight line. Three are measurements
(two of scikit-learn's photographs, one of its wines), four are drawn. None needs a network.
"""

from collections.abc import Callable, Mapping
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets as bundled

from benchmarks.health.rows import Array, Rows, standardized

# Pixels along an edge.
PATCH = 8
NEIGHBOURS = 3


def _photos() -> Rows:
    """Of which of two photographs, a temple or a flower, is a grey patch? Bytes, 0 to 255."""
    draw = np.random.default_rng(11)
    patches = [
        _patches(_photo(name).mean(axis=2), PATCH, 450, draw)
        for name in ("china.jpg", "flower.jpg")
    ]
    return Rows("classes", np.concatenate(patches), np.repeat([0.0, 1.0], 450))


def _blue() -> Rows:
    """How blue is a pixel? By the red and the green around it in a photograph, 0 to 255."""
    draw = np.random.default_rng(12)
    patches = _patches(_photo("china.jpg"), NEIGHBOURS, 700, draw)
    channels = patches.reshape(700, NEIGHBOURS * NEIGHBOURS, 3)
    blue = channels[:, NEIGHBOURS * NEIGHBOURS // 2, 2]
    return Rows("numbers", channels[:, :, :2].reshape(700, -1), standardized(blue))


def _proline() -> Rows:
    """How much of an amino acid is in a wine, by twelve other measurements in their own units?"""
    found = bundled.load_wine()
    x = np.asarray(found.data, np.float64)
    of = list(found.feature_names).index("proline")
    return Rows("numbers", np.delete(x, of, axis=1), standardized(x[:, of]))


def _hastie() -> Rows:
    """Within or without a ball in ten dimensions, which no single column tells."""
    x, y = bundled.make_hastie_10_2(n_samples=900, random_state=13)
    return Rows("classes", np.asarray(x, np.float64), np.where(y > 0, 1.0, 0.0))


def _impedance() -> Rows:
    """Friedman's second regression, an impedance, by columns from 1 to 1,700."""
    x, y = bundled.make_friedman2(n_samples=500, noise=60.0, random_state=14)
    return Rows("numbers", np.asarray(x, np.float64), standardized(y))


def _moons() -> Rows:
    """Two half moons that overlap, beside four columns of no use, one of them in the thousands."""
    x, y = bundled.make_moons(n_samples=600, noise=0.25, random_state=15)
    noise = np.random.default_rng(15).normal(size=(600, 4)) * [1.0, 1.0, 0.1, 2_000.0]
    return Rows("classes", np.hstack((x, noise)), np.asarray(y, np.float64))


def _corners() -> Rows:
    """Four classes of two clouds each, five of twelve columns no more than mixtures of others."""
    x, y = bundled.make_classification(
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


def _photo(name: str) -> Array:
    """As (rows, columns, channels); scikit-learn bundles the file and leaves decoding to Pillow."""
    import tensorflow as tf  # noqa: PLC0415 -- takes seconds, and nobody else here needs it

    file = files("sklearn.datasets.images") / name
    return np.asarray(tf.io.decode_jpeg(file.read_bytes(), channels=3), np.float64)


def _patches(image: NDArray[np.float64], edge: int, count: int, draw: np.random.Generator) -> Array:
    """Square ones from anywhere, as (count, edge * edge * channels)."""
    tops = draw.integers(0, image.shape[0] - edge, count)
    lefts = draw.integers(0, image.shape[1] - edge, count)
    return np.stack(
        [
            image[top : top + edge, left : left + edge].ravel()
            for top, left in zip(tops, lefts, strict=True)
        ]
    )


REPORTING: Mapping[str, Callable[[], Rows]] = {
    "photos": _photos,
    "blue": _blue,
    "proline": _proline,
    "hastie": _hastie,
    "impedance": _impedance,
    "moons": _moons,
    "corners": _corners,
}
