"""The rows that are trained on: real ones where they lie beside the checkout, else drawn ones.

Drawn rows have the shapes of the real ones and can be learned; a figure's name says which it was.
"""

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

PASSENGERS, COLUMNS = 891, 10
IMAGES, SIDE, DIGITS = 60_000, 28, 10

Array = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows to train on, in memory and as files.

    Attributes:
        name: for a figure.
        x: float64 columns, or bytes of images.
        y: classes from 0.
        classes: how many.
        upload: what the service is given: a CSV or an NPZ.
        arrays: x and y as an NPZ, for everybody else.
        target: the column to predict, in a table.
    """

    name: str
    x: Array
    y: npt.NDArray[np.int64]
    classes: int
    upload: Path
    arrays: Path
    target: str | None = None


def titanic(folder: Path) -> Rows:
    """A table: 891 passengers, ten columns of numbers, two classes. Its files go to a folder."""
    source = shared("titanic_all_numeric.csv")
    drawn = folder / "drawn.csv"
    if source is None:
        _write(drawn, _drawn_passengers())
    upload = source or drawn
    with upload.open() as lines:
        names, *cells = csv.reader(lines)
    numbers = np.array([[_number(cell) for cell in row] for row in cells])
    name = "titanic" if source else "a drawn titanic"
    return _kept(folder, name, numbers[:, 1:], numbers[:, 0], table=(upload, names[0]))


def mnist(folder: Path, images: int = IMAGES) -> Rows:
    """Images of digits, bytes of 28 x 28, ten classes. Its files go to a folder.

    Args:
        folder: an existing one.
        images: how many, at most 60,000.
    """
    source = shared("mnist.npz")
    if source is None:
        x, y = _drawn_digits(images)
    else:
        with np.load(source) as arrays:
            x, y = arrays["x_train"][:images], arrays["y_train"][:images]
    name = f"{'MNIST' if source else 'a drawn MNIST'}, {images:,} images"
    return _kept(folder, name, x, y)


def _kept(
    folder: Path, name: str, x: Array, y: Array, *, table: tuple[Path, str] | None = None
) -> Rows:
    """Rows with their files; a table is uploaded as the CSV that it is, with its target's name."""
    labels = y.astype(np.int64)
    arrays = folder / "rows.npz"
    np.savez(arrays, x=x, y=labels)
    return Rows(
        name=name,
        x=x,
        y=labels,
        classes=int(labels.max()) + 1,
        arrays=arrays,
        upload=arrays if table is None else table[0],
        target=None if table is None else table[1],
    )


def shared(name: str) -> Path | None:
    """A real file, found as the tests find theirs; None where it is not there."""
    beside_the_checkout = Path(__file__).parents[2] / "shared" / "data"
    path = Path(os.environ.get("EPOCHD_TEST_DATA") or beside_the_checkout) / name
    return path if path.is_file() else None


def _number(cell: str) -> float:
    return float({"True": "1", "False": "0"}.get(cell, cell))


def _drawn_passengers() -> Iterable[Iterable[object]]:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(PASSENGERS, COLUMNS)).round(3)
    chance = 1 / (1 + np.exp(-2 * x[:, 0] - x[:, 1] * x[:, 2]))
    survived = (draw.random(PASSENGERS) < chance).astype(int)
    yield "survived", *(f"column_{number}" for number in range(COLUMNS))
    yield from ((label, *row) for label, row in zip(survived.tolist(), x.tolist(), strict=True))


def _drawn_digits(images: int) -> tuple[Array, Array]:
    draw = np.random.default_rng(0)
    shapes = draw.integers(0, 256, (DIGITS, SIDE, SIDE))
    y = draw.integers(0, DIGITS, images)
    blurred = (shapes[y] + draw.integers(0, 256, (images, SIDE, SIDE))) // 2
    return blurred.astype(np.uint8), y


def _write(path: Path, rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
