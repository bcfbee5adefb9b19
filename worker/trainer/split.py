"""Chooses which rows validate: by seed alone, so that every trial of a repeat has the same ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.specs.fit import FitSpec

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers, each row in exactly one of the two, both in ascending order."""

    training: Indices
    validation: Indices


def split(rows: int, fit: FitSpec, seed: int, classes: Indices | None) -> Split:
    """Divide rows into training and validation.

    Args:
        rows: how many there are.
        fit: says what share validates, and whether these are the last rows, as in Keras.
        seed: of a shuffled split.
        classes: the class of every row; None for regression.
    """
    training, validation = fit.split_rows(rows)
    if fit.split == "last":
        return Split(np.arange(training), np.arange(training, rows))
    draw = np.random.default_rng(seed)
    chosen = (
        draw.permutation(rows)[:validation]
        if classes is None
        else _stratified(classes, validation, draw)
    )
    validates = np.zeros(rows, dtype=bool)
    validates[chosen] = True
    return Split(np.flatnonzero(~validates), np.flatnonzero(validates))


def _stratified(classes: Indices, count: int, draw: np.random.Generator) -> Indices:
    """Pick rows so that every class is within one row of its share (systematic sampling).

    The rows lie shuffled within their class, class after class; every (rows/count)-th is taken.
    scikit-learn's stratified split refuses classes of one row and fewer rows than classes, which
    are no reason not to train. A class of one row stays with the training rows where that leaves
    enough to choose from.
    """
    sizes = np.bincount(classes)
    several = np.flatnonzero(sizes[classes] > 1)
    pool = several if len(several) >= count else np.arange(len(classes))
    shuffled = draw.permutation(pool)
    by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]
    places = (np.arange(count) + draw.random()) * (len(pool) / max(1, count))
    return by_class[places.astype(np.intp)]
