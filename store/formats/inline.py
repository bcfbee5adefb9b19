"""Reads the small table in a request, as if the same cells had been uploaded as CSV.

The API does this before it stores an experiment, so what is wrong is said with a pointer.
"""

import polars as pl

from models.errors import Invalid, Issue, Unreadable
from models.specs.data import Cell, InlineTable
from store.formats.cells import typed
from store.formats.table import Table, column_names

ROOT = "/data/inline"


def read_inline(inline: InlineTable) -> Table:
    """Read rows from a spec.

    Raises:
        Invalid: with pointers: rows of unequal length, two columns of one name, a number beyond
            32 bits.
    """
    try:
        names = column_names(inline.columns, line=None)
    except Unreadable as wrong:
        raise Invalid([Issue(f"{ROOT}/columns", wrong.code, wrong.detail)]) from None
    ragged = [
        Issue(
            f"{ROOT}/rows/{index}",
            "ragged_row",
            f"Row {index} has {len(row)} cells, but there are {len(names)} columns.",
        )
        for index, row in enumerate(inline.rows)
        if len(row) != len(names)
    ]
    if ragged:
        raise Invalid(ragged)
    columns = zip(*inline.rows, strict=True)
    return Table(
        pl.DataFrame([_column(name, cells) for name, cells in zip(names, columns, strict=True)])
    )


def _column(name: str, cells: tuple[Cell, ...]) -> pl.Series:
    text = pl.Series(name, [_text(cell) for cell in cells], dtype=pl.String)
    try:
        return typed(text)
    except Unreadable as wrong:
        raise Invalid([Issue(f"{ROOT}/rows", wrong.code, wrong.detail)]) from None


def _text(cell: Cell) -> str | None:
    """The cell as CSV would hold it; repr keeps every digit of a float."""
    if cell is None or isinstance(cell, str):
        return cell
    return repr(cell)
