"""Reads delimited text: any common separator, encoding and quoting; one wrong line is named.

The standard library's reader splits the cells, because it counts lines and refuses what is ragged;
polars' own reader is faster but fills short rows with nulls in silence. Rows become columns in
batches, so a file of some hundred megabytes needs about four times its size in memory.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from models.errors import Unreadable
from models.profile import Warned
from store.formats.cells import typed
from store.formats.encoding import encoding_of
from store.formats.header import is_header
from store.formats.table import Table, column_names

# Enough to see a separator's rhythm.
SAMPLE_CHARACTERS = 1 << 16
SAMPLE_ROWS = 100
# Rows that become columns together; larger batches gain nothing.
BATCH_ROWS = 8192

_SEPARATORS = ("\t", ";", "|", ",")
_RARE_SEPARATORS = (" ", ":")


def read_csv(path: Path) -> Table:
    """Read a delimited text file.

    A first row of values instead of names is kept as a row; the columns are then column_1,
    column_2, … and a warning says so. Rows without any value are left out.

    Raises:
        Unreadable: with the line, where there is one: ragged rows, an open quotation mark, one
            column, two columns of one name, no rows, an infinite number.
    """
    encoding = encoding_of(path)
    with path.open(encoding=encoding, newline="") as file:
        separator = separator_of(file.read(SAMPLE_CHARACTERS))
        file.seek(0)
        rows = _rows(file, separator)
        line, first = next(rows, (1, None))
        if first is None:
            raise Unreadable("The file holds nothing but blanks.", line=1)
        if len(first) == 1:
            column_names(first, line)
        below = _columns(rows, width=len(first), first_line=line)
    if below.is_empty():
        raise Unreadable("The file has one line: a header, but no rows below it.", line)
    return _table(first, line, below, decimal_comma=separator != ",")


def separator_of(sample: str) -> str:
    """The separator that cuts most of the first rows into the same number (over one) of cells.

    Where several do, the comma comes last: it may be a decimal comma.
    """
    lines = sample.splitlines(keepends=True)
    if len(sample) >= SAMPLE_CHARACTERS and len(lines) > 1:
        lines.pop()
    best = max(_SEPARATORS, key=lambda separator: _regularity(lines, separator))
    if _regularity(lines, best) > 0:
        return best
    for separator in _RARE_SEPARATORS:
        if _regularity(lines, separator) == 1:
            return separator
    return best


def _regularity(lines: Sequence[str], separator: str) -> float:
    """Which share of the rows has the commonest width over one; 0 when all have one cell."""
    widths: Counter[int] = Counter()
    try:
        for row in csv.reader(lines, delimiter=separator, skipinitialspace=True):
            if row:
                widths[len(row)] += 1
            if widths.total() >= SAMPLE_ROWS:
                break
    except csv.Error:
        return 0.0
    most = max((rows for width, rows in widths.items() if width > 1), default=0)
    return most / max(1, widths.total())


def _rows(lines: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line on which each starts; empty lines are no rows."""
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Unreadable(
                f"The row that starts here cannot be split into cells ({error}); "
                "is a quotation mark left open?",
                line,
            ) from None
        if len(row) > 1 or (row and row[0].strip()):
            yield line, row


def _columns(rows: Iterator[tuple[int, list[str]]], *, width: int, first_line: int) -> pl.DataFrame:
    """All rows as columns of text.

    Raises:
        Unreadable: a row has more or fewer cells than the first.
    """
    names = [str(index) for index in range(width)]
    batches = [pl.DataFrame(schema=dict.fromkeys(names, pl.String))]
    batch: list[list[str]] = []
    for line, row in rows:
        if len(row) != width:
            raise Unreadable(
                f"The number of cells is {len(row)}, but in line {first_line} it is {width}.", line
            )
        if any(row):
            batch.append(row)
        if len(batch) == BATCH_ROWS:
            batches.append(_batch(names, batch))
            batch = []
    if batch:
        batches.append(_batch(names, batch))
    return pl.concat(batches)


def _batch(names: Sequence[str], rows: Sequence[Sequence[str]]) -> pl.DataFrame:
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return pl.DataFrame([pl.Series(name, cells, dtype=pl.String) for name, cells in columns])


def _table(first: Sequence[str], line: int, below: pl.DataFrame, *, decimal_comma: bool) -> Table:
    values = _typed(below, first, decimal_comma=decimal_comma)
    if is_header(first, values, decimal_comma=decimal_comma):
        return Table(_frame(column_names(first, line), values))
    names = column_names([""] * len(first), line)
    everything = pl.concat([_batch(below.columns, [first]), below])
    said = Warned(
        code="no_header",
        column=None,
        message=f"The first row holds values, not names, so it is kept as a row and the columns "
        f"are named {names[0]} to {names[-1]}.",
    )
    values = _typed(everything, names, decimal_comma=decimal_comma)
    return Table(_frame(names, values), (said,))


def _typed(frame: pl.DataFrame, names: Sequence[str], *, decimal_comma: bool) -> list[pl.Series]:
    return [
        typed(column.alias(name), decimal_comma=decimal_comma)
        for name, column in zip(names, frame.iter_columns(), strict=True)
    ]


def _frame(names: Sequence[str], columns: Sequence[pl.Series]) -> pl.DataFrame:
    return pl.DataFrame(dict(zip(names, columns, strict=True)))
