"""The folder that a ready dataset is: written once by ingest, read by trainers, never changed.

A table is `table.arrow` (uncompressed, so that single columns are read in place); arrays are
`x.npy` and `y.npy`, with `x_test.npy` and `y_test.npy` where test rows exist. `profile.json` is
written last: a folder without it is not a dataset.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import JsonValue, TypeAdapter

from models.errors import ArtifactMissing
from models.profile import ArrayProfile, DatasetProfile, TableProfile
from store.formats.array_profile import array_profile
from store.formats.npz import Array, Arrays, chunks
from store.formats.profile import table_profile
from store.formats.table import Table

# Part of a folder's key: raise it when the same bytes would be read into something else.
PARSER_VERSION = "1"

TABLE = "table.arrow"
PROFILE = "profile.json"

_profile = TypeAdapter[DatasetProfile](DatasetProfile)


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The beginning of a dataset, for people: names and, row by row, JSON values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[JsonValue, ...], ...]


def write_table(table: Table, into: Path, target: str | None = None) -> TableProfile:
    """Write a table and its profile into an existing, empty folder."""
    profile = table_profile(table, target)
    table.frame.write_ipc(into / TABLE, compression="uncompressed")
    _write_profile(profile, into)
    return profile


def write_arrays(arrays: Arrays, into: Path) -> ArrayProfile:
    """Write arrays and their profile into an existing, empty folder."""
    profile = array_profile(arrays)
    for name, array in (
        ("x", arrays.x),
        ("y", arrays.y),
        ("x_test", arrays.x_test),
        ("y_test", arrays.y_test),
    ):
        if array is not None:
            _write_array(array, into / f"{name}.npy")
    _write_profile(profile, into)
    return profile


def read_profile(folder: Path) -> DatasetProfile:
    """The profile that ingest wrote.

    Raises:
        ArtifactMissing: the folder is not a complete dataset.
    """
    try:
        return _profile.validate_json((folder / PROFILE).read_bytes())
    except FileNotFoundError:
        raise ArtifactMissing(f"{folder.name} holds no dataset.") from None


def open_table(folder: Path) -> pl.LazyFrame:
    """The table, lazily: select and collect, and no other column is read from disk."""
    return pl.scan_ipc(folder / TABLE)


def open_arrays(folder: Path) -> Arrays:
    """The arrays, mapped from disk and read-only."""
    apart = (folder / "x_test.npy").exists()
    return Arrays(
        _mapped(folder / "x.npy"),
        _mapped(folder / "y.npy"),
        _mapped(folder / "x_test.npy") if apart else None,
        _mapped(folder / "y_test.npy") if apart else None,
    )


def first_rows(folder: Path, limit: int) -> FirstRows:
    """The first rows as JSON values: cells of a table, or x (nested lists) and y."""
    if isinstance(read_profile(folder), TableProfile):
        frame = open_table(folder).head(limit).collect()
        return FirstRows(tuple(frame.columns), tuple(frame.iter_rows()))
    arrays = open_arrays(folder)
    pairs = zip(arrays.x[:limit].tolist(), arrays.y[:limit].tolist(), strict=True)
    return FirstRows(("x", "y"), tuple(pairs))


def _write_array(array: Array, path: Path) -> None:
    """Write in row order and in pieces, so that neither the source nor the copy fills memory."""
    written = np.lib.format.open_memmap(path, mode="w+", dtype=array.dtype, shape=array.shape)
    start = 0
    for piece in chunks(array):
        written[start : start + len(piece)] = piece
        start += len(piece)
    written.flush()


def _write_profile(profile: DatasetProfile, into: Path) -> None:
    (into / PROFILE).write_bytes(_profile.dump_json(profile))


def _mapped(path: Path) -> Array:
    array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
