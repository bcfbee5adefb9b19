"""Small trials and datasets for the tests of preparing and exporting."""

from pathlib import Path
from typing import Any

import polars as pl

from models.profile import DatasetProfile
from models.trial import TrialSpec
from store.formats.folder import write_table
from store.formats.table import Table
from worker.trainer.rows import Rows


def trial(
    *,
    data: dict[str, Any] | None = None,
    layers: list[dict[str, Any]] | None = None,
    loss: Any = "SparseCategoricalCrossentropy",
    fit: dict[str, Any] | None = None,
    compile: dict[str, Any] | None = None,  # noqa: A002 - the spec's word
    seed: int = 7,
) -> TrialSpec:
    return TrialSpec.model_validate(
        {
            "data": {"dataset": "ds_1"} | (data or {}),
            "network": {"layers": layers or [{"layer": "Dense", "units": 2}], "output": "given"},
            "compile": {"loss": loss} | (compile or {}),
            "fit": fit or {},
            "seed": seed,
        }
    )


def x_of(rows: Rows) -> Any:
    """The inputs of all rows."""
    return rows.take(slice(None))[0]


def y_of(rows: Rows) -> Any:
    """The targets of all rows."""
    return rows.take(slice(None))[1]


def weights_of(rows: Rows) -> Any:
    """The weights of all rows."""
    return rows.take(slice(None))[2]


def table(folder: Path, columns: dict[str, list[Any]]) -> DatasetProfile:
    return write_table(Table(pl.DataFrame(columns)), folder)
