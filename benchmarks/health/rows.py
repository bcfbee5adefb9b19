"""Rows of the health benchmark, and how a seed divides them into those that train and validate."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

TARGET = "target"
VALIDATION_SHARE = 0.3
# The fault of too few rows, and what is left of any dataset for training in it.
FEW_ROWS = 20
# The fault of a rare class: of all rows, and where there are many classes of an equal share, which
# is what counts as rare there; and what a rule needs at least to see it.
RARE_SHARE = 0.06
OF_EQUAL = 0.3
LEAST_RARE = 5
# A benchmark of a thousand trainings has no time for more.
MOST_ROWS = 900

Array = NDArray[np.float64]
Kind = Literal["classes", "numbers"]
Part = Literal["whole", "few", "rare"]


@dataclass(frozen=True, slots=True)
class Rows:
    """A dataset.

    Attributes:
        kind: of the target: the number of a class, or a number in standard deviations, since no
            setting here is right for targets of any unit.
        x: (rows, columns), as measured, so with the units of their columns.
        y: (rows,).
    """

    kind: Kind
    x: Array
    y: Array

    def only(self, which: slice | NDArray[np.bool_] | NDArray[np.intp]) -> "Rows":
        """Some of them, in their order or in that which is given."""
        return Rows(self.kind, self.x[which], self.y[which])


@dataclass(frozen=True, slots=True)
class Split:
    """A seed's draw: its training rows first, its validation rows last.

    Attributes:
        rows: all of them.
        training: how many come first.
    """

    rows: Rows
    training: int

    @property
    def validation(self) -> Rows:
        """The rows at the end."""
        return self.rows.only(slice(self.training, None))

    @property
    def share(self) -> float:
        """The `validation_split` that comes to exactly these, rounded down as Keras does it."""
        count = len(self.rows.y)
        return (count - self.training - 0.5) / count

    def part(self, name: Part, seed: int) -> "Split":
        """What a fault leaves of it."""
        match name:
            case "whole":
                return self
            case "few":
                return self.few()
            case "rare":
                return self.rare(seed)

    def few(self) -> "Split":
        """The same validation rows, after the last few of the training rows."""
        return Split(self.rows.only(slice(self.training - FEW_ROWS, None)), FEW_ROWS)

    def rare(self, seed: int) -> "Split":
        """A few rows of one class, another every seed, where they train and where they validate."""
        classes = len(np.unique(self.rows.y))
        share = min(RARE_SHARE, OF_EQUAL / classes)
        of_class = self.rows.y == seed % classes
        training = np.arange(len(of_class)) < self.training
        others = int((training & ~of_class).sum())
        kept = max(LEAST_RARE, round(others * share / (1 - share)))
        kept_to_validate = max(1, round(kept * VALIDATION_SHARE / (1 - VALIDATION_SHARE)))
        left = ~of_class
        left[np.flatnonzero(of_class & training)[:kept]] = True
        left[np.flatnonzero(of_class & ~training)[:kept_to_validate]] = True
        return Split(self.rows.only(left), int((left & training).sum()))

    def write(self, path: Path) -> None:
        """As CSV; a class is text, so that nobody takes its number for a quantity."""
        columns = [f"x{column}" for column in range(self.rows.x.shape[1])]
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*columns, TARGET])
            for x, y in zip(self.rows.x.tolist(), self.rows.y.tolist(), strict=True):
                label = class_name(y) if self.rows.kind == "classes" else f"{y:.7g}"
                writer.writerow([*(f"{value:.7g}" for value in x), label])


def class_name(number: float) -> str:
    """What a class is called in the file."""
    return f"class {number:.0f}"


def split(rows: Rows, seed: int) -> Split:
    """Shuffle by the seed; the same for everybody who asks with it."""
    order = np.random.default_rng(seed).permutation(len(rows.y))[:MOST_ROWS]
    training = len(order) - round(len(order) * VALIDATION_SHARE)
    return Split(rows.only(order), training)


def standardized(y: Array) -> Array:
    """In standard deviations from its mean."""
    return np.asarray((y - y.mean()) / y.std())
