"""The rows of the health benchmark: which to tune rules on, and which only to report on.

A threshold may be changed after looking at a trial on one of TUNING. Nobody looks at a trial on one
of REPORTING before its figures are written down. All are there without a network: scikit-learn's
own and drawn ones, which are the same each time.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets as bundled

TARGET = "target"
VALIDATION_SHARE = 0.3
# The fault of too few rows, and what is left of any dataset for training in it.
FEW_ROWS = 20
# A benchmark of a thousand trainings has no time for more.
MOST_ROWS = 900

Array = NDArray[np.float64]
Kind = Literal["classes", "numbers"]


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
        return Rows(self.rows.kind, self.rows.x[self.training :], self.rows.y[self.training :])

    @property
    def share(self) -> float:
        """The `validation_split` that comes to exactly these, rounded down as Keras does it."""
        count = len(self.rows.y)
        return (count - self.training - 0.5) / count

    def few(self) -> "Split":
        """The same validation rows, after the last few of the training rows."""
        start = self.training - FEW_ROWS
        rows = Rows(self.rows.kind, self.rows.x[start:], self.rows.y[start:])
        return Split(rows, FEW_ROWS)

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
    return Split(Rows(rows.kind, rows.x[order], rows.y[order]), training)


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
    return Rows("numbers", np.asarray(frame.data), _standardized(np.asarray(frame.target)))


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
    return Rows("numbers", x * units + 2 * units, _standardized(y))


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
    return Rows("numbers", np.asarray(x, np.float64), _standardized(y))


def _standardized(y: Array) -> Array:
    return np.asarray((y - y.mean()) / y.std())


Draw = Callable[[], Rows]

TUNING: Mapping[str, Draw] = {
    "iris": _iris,
    "breast_cancer": _breast_cancer,
    "rings": _rings,
    "prices": _prices,
}
REPORTING: Mapping[str, Draw] = {
    "wine": _wine,
    "digits": _digits,
    "diabetes": _diabetes,
    "blobs": _blobs,
    "friedman": _friedman,
}
LISTS: Mapping[str, Mapping[str, Draw]] = {"tuning": TUNING, "reporting": REPORTING}
