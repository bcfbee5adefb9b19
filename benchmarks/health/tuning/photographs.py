"""Pieces of scikit-learn's two photographs, by which rules may be changed."""

from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from benchmarks.health.rows import Array, Rows, standardized

# Pixels along an edge.
PATCH = 8
NEIGHBOURS = 3


def photos() -> Rows:
    """Of which of two photographs, a temple or a flower, is a grey patch? Bytes, 0 to 255."""
    draw = np.random.default_rng(11)
    patches = [
        _patches(_photo(name).mean(axis=2), PATCH, 450, draw)
        for name in ("china.jpg", "flower.jpg")
    ]
    return Rows("classes", np.concatenate(patches), np.repeat([0.0, 1.0], 450))


def blue() -> Rows:
    """How blue is a pixel? By the red and the green around it in a photograph, 0 to 255."""
    draw = np.random.default_rng(12)
    patches = _patches(_photo("china.jpg"), NEIGHBOURS, 700, draw)
    channels = patches.reshape(700, NEIGHBOURS * NEIGHBOURS, 3)
    blue = channels[:, NEIGHBOURS * NEIGHBOURS // 2, 2]
    return Rows("numbers", channels[:, :, :2].reshape(700, -1), standardized(blue))


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
