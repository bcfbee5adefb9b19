"""Turns columns of text cells into typed columns.

A column's type is what all its cells agree on, not what the first thousand suggest: a word in the
last row makes it text, so nothing is dropped in silence.
"""

import polars as pl

from models.errors import Unreadable

# What programs write for "no value". In a column of words only the empty cell is missing: there,
# "none" and "NA" can be answers.
MISSING_WORDS = ("na", "n/a", "nan", "-nan", "null", "none", "nil", "<na>", "#n/a", "?", "-")
# Networks compute in 32 bits.
LARGEST_NUMBER = 3.4028235e38

_DECIMAL_COMMA = r"^[+-]?\d+(,\d+)?$"


def typed(column: pl.Series, *, decimal_comma: bool = False) -> pl.Series:
    """The same cells as Int64, Float64, Boolean or String, whichever first fits all of them.

    Args:
        column: String cells; surrounding blanks do not count, an empty cell is missing.
        decimal_comma: read "7,4" as 7.4, as tables do that are separated by semicolons.

    Raises:
        Unreadable: a number is infinite or beyond a 32-bit float.
    """
    text = column.str.strip_chars()
    text = text.set(text == "", None)
    values = text.set(text.str.to_lowercase().is_in(MISSING_WORDS), None)
    present = len(values) - values.null_count()
    if present == 0:
        return pl.Series(column.name, [None] * len(text), dtype=pl.Float64)
    whole = values.cast(pl.Int64, strict=False)
    if whole.count() == present:
        return whole
    if decimal_comma and values.str.contains(_DECIMAL_COMMA).all():
        values = values.str.replace(",", ".", literal=True)
    numbers = values.cast(pl.Float64, strict=False)
    if numbers.count() == present:
        return _finite(numbers)
    words = values.str.to_lowercase()
    if words.is_in(["true", "false"]).sum() == present:
        return words == "true"
    return text


def _finite(numbers: pl.Series) -> pl.Series:
    beyond = numbers.is_infinite() | (numbers.abs() > LARGEST_NUMBER)
    row = beyond.arg_max() if beyond.any() else None
    if row is not None:
        raise Unreadable(
            f"Column {numbers.name!r} holds {numbers[row]} in its row {row + 1}; networks "
            f"compute with finite 32-bit numbers (at most {LARGEST_NUMBER:.3g}). Leave the cell "
            "empty if the value is not known."
        )
    return numbers.fill_nan(None)
