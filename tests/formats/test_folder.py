"""A dataset folder gives back what was written into it."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.errors import ArtifactMissing
from store.formats.folder import (
    first_rows,
    open_arrays,
    open_table,
    read_profile,
    write_arrays,
    write_table,
)
from store.formats.npz import Arrays
from store.formats.table import Table

FRAME = pl.DataFrame(
    {"n": [1, 2, None], "x": [0.5, None, 1.5], "flag": [True, None, False], "w": ["a", "b", None]}
)


def test_a_table_is_read_back_with_its_profile(tmp_path: Path) -> None:
    profile = write_table(Table(FRAME), tmp_path)
    assert open_table(tmp_path).collect().equals(FRAME)
    assert read_profile(tmp_path) == profile


def test_arrays_are_read_back_with_their_profile(tmp_path: Path) -> None:
    x = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    arrays = Arrays(x, np.array(["b", "a", "b"]), x[:1], np.array(["a"]))
    profile = write_arrays(arrays, tmp_path)
    opened = open_arrays(tmp_path)
    assert np.array_equal(opened.x, x)
    assert opened.y.tolist() == ["b", "a", "b"]
    assert opened.x_test is not None
    assert np.array_equal(opened.x_test, x[:1])
    assert read_profile(tmp_path) == profile


def test_arrays_are_mapped_not_loaded(tmp_path: Path) -> None:
    write_arrays(Arrays(np.zeros((3, 2)), np.zeros(3)), tmp_path)
    assert isinstance(open_arrays(tmp_path).x, np.memmap)


def test_the_first_rows_are_json(tmp_path: Path) -> None:
    write_table(Table(FRAME), tmp_path)
    rows = first_rows(tmp_path, limit=2)
    assert rows.columns == ("n", "x", "flag", "w")
    assert json.loads(json.dumps(rows.rows)) == [[1, 0.5, True, "a"], [2, None, None, "b"]]


def test_the_first_rows_of_arrays_are_nested_lists(tmp_path: Path) -> None:
    write_arrays(Arrays(np.arange(8).reshape(2, 2, 2), np.array([5, 6])), tmp_path)
    rows = first_rows(tmp_path, limit=1)
    assert json.loads(json.dumps(rows.rows)) == [[[[0, 1], [2, 3]], 5]]


def test_a_folder_without_a_profile_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing):
        read_profile(tmp_path)
