"""Fetches a dataset through keras.datasets, as a process of its own: `python -m` NAME OUT.

Ingest runs it, because only the trainer's room may load Keras. It ends with 0 and the file, or with
UNAVAILABLE and one line on stderr that says why; and whenever its stdin is closed, because then
there is nobody left to download for.
"""

import csv
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

UNAVAILABLE: Final = 3
EXIT_WITHOUT_PARENT: Final = 4

# Arrays; as NPZ with Keras's own test rows apart.
_ARRAYS = {
    "mnist": keras.datasets.mnist,
    "fashion_mnist": keras.datasets.fashion_mnist,
    "cifar10": keras.datasets.cifar10,
}
# The order of the columns in the file; Keras's documentation names others (keras issue 21886).
_HOUSING_COLUMNS = (
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
    "median_house_value",
)


def main(arguments: Sequence[str]) -> int:
    """Download NAME and write it to OUT, an NPZ file or, for a table, a CSV file."""
    name, out = arguments
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        if name == "california_housing":
            _write_housing(Path(out))
        else:
            _write_arrays(_ARRAYS[name], Path(out))
    except Exception as error:  # noqa: BLE001 -- keras raises a bare Exception when offline
        print(f"{error}".splitlines()[0], file=sys.stderr)  # noqa: T201 -- this is the answer
        return UNAVAILABLE
    return 0


def _end_with_parent() -> None:
    """Wait for the end of stdin, on which nothing is ever sent.

    The bare descriptor, because a thread in `sys.stdin.read` disturbs the end of the process.
    """
    while os.read(0, 1):
        pass
    os._exit(EXIT_WITHOUT_PARENT)


def _write_arrays(module: Any, out: Path) -> None:
    (x_train, y_train), (x_test, y_test) = module.load_data()
    with out.open("wb") as file:
        np.savez(file, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def _write_housing(out: Path) -> None:
    """All rows as one table: which of them validate is the experiment's choice."""
    (x, y), _ = keras.datasets.california_housing.load_data(test_split=0.0)
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HOUSING_COLUMNS)
        writer.writerows(np.column_stack([x, y]).tolist())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
