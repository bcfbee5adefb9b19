"""Decides whether the first row of a table names its columns or is a row like the others.

Python's own Sniffer.has_header guesses from twenty rows and cell lengths; here all rows are known
already, so the question is exact: would the first row be at home in the columns below it?
"""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from models.errors import Unreadable
from store.formats.cells import typed


def is_header(
    first: Sequence[str], below: Sequence[pl.Series], *, decimal_comma: bool = False
) -> bool:
    """Whether the first row holds names.

    It is a row of values only if all of this holds: there are columns of numbers; in each of them
    it has a number or nothing, and a whole one where all others are whole; in each text column
    whose values repeat it has one of them; and its numbers do not count up by one (0, 1, 2 or
    2019, 2020 are names that programs give).

    Args:
        first: the cells of the first row.
        below: the typed columns of all other rows, in the same order.
        decimal_comma: as they were typed.
    """
    numbers: list[float] = []
    for cell, column in zip(first, below, strict=True):
        if column.dtype == pl.String:
            repeats = column.n_unique() <= len(column) // 2
            if repeats and cell.strip() not in column:
                return True
            continue
        try:
            value = typed(pl.Series([cell]), decimal_comma=decimal_comma)[0]
        except Unreadable:  # "Infinity" may well be a name
            return True
        if value is None:
            continue
        is_flag = isinstance(value, bool)
        is_fraction = isinstance(value, float) and column.dtype == pl.Int64
        if isinstance(value, str) or is_flag != (column.dtype == pl.Boolean) or is_fraction:
            return True
        if not is_flag:
            numbers.append(value)
    return not numbers or _counts_up(numbers)


def _counts_up(numbers: Sequence[float]) -> bool:
    return len(numbers) > 1 and all(after - before == 1 for before, after in pairwise(numbers))
