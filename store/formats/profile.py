"""Looks at a table once and writes down what specs are checked against and people should see."""

import re

import polars as pl

from models.labels import FEW_VALUES, can_be_label, is_label
from models.profile import MAX_CLASSES, Column, TableProfile, ValueCount, Warned
from store.formats.table import Table

# All listed values of all columns together: a wide table of pixels must not make a profile of
# megabytes. Columns with the fewest values are listed first.
MAX_LISTED_VALUES = 10_000
# A class is named by one listed value; free text is not.
MAX_LABEL_CHARACTERS = 200
# Statistics are for people and checks; six digits are the same on every machine.
SIGNIFICANT_DIGITS = 6

# Beyond it a 64-bit float skips whole numbers.
LARGEST_WHOLE = 2**53

MANY_MISSING = 0.4
# Below this a column that never repeats may do so by chance.
MIN_ROWS_OF_ID = 20
# Of the rows that an even share would give a class: under 10 % of the rows for one of two.
RARE_CLASS = 0.2
# Beyond this a number is the target in other units.
SAME_CORRELATION = 0.99999

_ID_NAME = re.compile(r"(^|[_\W\d])(id|ID|Id|key|uuid)$|[a-z]Id$|[a-z]ID$")


def table_profile(table: Table, target: str | None = None) -> TableProfile:
    """Describe a table.

    Args:
        table: as read.
        target: the column to predict, where it is known before any spec (built-in tables).
    """
    frame = table.frame
    columns = _listed(frame, [_column(column) for column in frame.iter_columns()])
    warnings = [*table.warnings]
    for column in columns:
        warnings += _column_warnings(frame[column.name], column, is_target=column.name == target)
    if target is not None:
        warnings += _target_warnings(frame, columns, target)
    return TableProfile(
        rows=frame.height, columns=tuple(columns), target=target, warnings=tuple(warnings)
    )


def rounded(number: float) -> float:
    """A statistic to SIGNIFICANT_DIGITS."""
    return float(f"{number:.{SIGNIFICANT_DIGITS}g}")


def rare_class(counts: tuple[ValueCount, ...], column: str | None) -> list[Warned]:
    """The warning that one class has few rows, if it has."""
    if len(counts) < 2:  # noqa: PLR2004 -- one class is refused later, with the spec that names it
        return []
    rows = sum(count.rows for count in counts)
    rarest = min(counts, key=lambda count: count.rows)
    if rarest.rows >= RARE_CLASS * rows / len(counts):
        return []
    return [
        Warned(
            code="imbalance",
            column=column,
            message=f"Only {rarest.rows} of {rows} rows are {rarest.value!r}; accuracy says "
            "little about them.",
        )
    ]


def _column(values: pl.Series) -> Column:
    present = values.drop_nulls()
    name, missing, distinct = values.name, values.null_count(), present.n_unique()
    if values.dtype == pl.String:
        return Column(name=name, type="text", missing=missing, distinct=distinct)
    if present.is_empty():
        return Column(name=name, type="number", missing=missing, distinct=0)
    numbers = present.cast(pl.Float64)
    return Column(
        name=name,
        type="boolean" if values.dtype == pl.Boolean else "number",
        missing=missing,
        distinct=distinct,
        integral=values.dtype.is_integer()
        or bool(((numbers == numbers.floor()) & (numbers.abs() <= LARGEST_WHOLE)).all()),
        minimum=numbers.to_numpy().min().item(),
        maximum=numbers.to_numpy().max().item(),
        mean=rounded(numbers.to_numpy().mean().item()),
        standard_deviation=rounded(numbers.to_numpy().std().item()),
    )


def _listed(frame: pl.DataFrame, columns: list[Column]) -> list[Column]:
    """The columns with their values counted where they can be labels, within the budget."""
    listed = list(columns)
    left = MAX_LISTED_VALUES
    for index in sorted(range(len(columns)), key=lambda index: columns[index].distinct):
        column = columns[index]
        if column.distinct <= left and _can_be_label(frame[column.name], column):
            left -= column.distinct
            listed[index] = column.model_copy(update={"top": counts(frame[column.name])})
    return listed


def _can_be_label(values: pl.Series, column: Column) -> bool:
    if column.type == "text":
        longest = values.str.len_chars().max()
        repeats = column.distinct <= max(FEW_VALUES, min(MAX_CLASSES, len(values) // 2))
        return repeats and (not isinstance(longest, int) or longest <= MAX_LABEL_CHARACTERS)
    return column.integral and can_be_label(column.distinct, len(values))


def counts(values: pl.Series) -> tuple[ValueCount, ...]:
    """How many rows hold each value, most frequent first; a whole number reads "3", not "3.0"."""
    present = values.drop_nulls()
    if present.dtype == pl.Float64:
        present = present.cast(pl.Int64)
    counted = present.alias("value").value_counts().sort("count", "value", descending=[True, False])
    names = counted["value"].cast(pl.String)
    return tuple(
        ValueCount(value=value, rows=rows)
        for value, rows in zip(names, counted["count"], strict=True)
    )


def _column_warnings(values: pl.Series, column: Column, *, is_target: bool) -> list[Warned]:
    def warned(code: str, message: str) -> Warned:
        return Warned.model_validate({"code": code, "column": column.name, "message": message})

    rows = len(values)
    said = []
    if column.distinct <= 1:
        holds = "no value at all" if column.distinct == 0 else "the same value in every row"
        said.append(
            warned("constant_column", f"{column.name!r} holds {holds}: nothing to learn from.")
        )
    if column.missing > MANY_MISSING * rows:
        share = round(100 * column.missing / rows)
        said.append(warned("many_missing", f"{column.name!r} is empty in {share} % of the rows."))
    if not is_target and _is_id_like(values, column):
        said.append(
            warned(
                "id_like_column",
                f"{column.name!r} has another value in every row, like an identifier; leave it "
                "out of the predictors unless its order or size means something.",
            )
        )
    return said


def _is_id_like(values: pl.Series, column: Column) -> bool:
    if len(values) < MIN_ROWS_OF_ID or column.distinct < len(values) - column.missing:
        return False
    if column.type == "text":
        return True
    numbered = bool(values.is_sorted()) or bool(values.is_sorted(descending=True))
    return column.integral and (numbered or _ID_NAME.search(column.name) is not None)


def _target_warnings(frame: pl.DataFrame, columns: list[Column], target: str) -> list[Warned]:
    """What can only be said when it is known which column is to be predicted."""
    goal = next(column for column in columns if column.name == target)
    known = frame.filter(pl.col(target).is_not_null())
    label = goal.type != "number" or (goal.integral and is_label(goal.distinct, known.height))
    said = rare_class(goal.top, target) if label else []
    for column in columns:
        if column.name == target or not 1 < column.distinct <= known.height // 2:
            continue
        if _tells(known, column, target) if label else _equals(known, column, target):
            said.append(
                Warned(
                    code="predicts_target",
                    column=column.name,
                    message=f"{column.name!r} alone gives {target!r} without an error; is it known "
                    "before the answer is?",
                )
            )
    return said


def _tells(frame: pl.DataFrame, column: Column, target: str) -> bool:
    """Every value of the column goes with one label."""
    known = frame.drop_nulls(column.name)
    labels = known.group_by(column.name).agg(pl.col(target).n_unique())[target]
    return bool((labels == 1).all())


def _equals(frame: pl.DataFrame, column: Column, target: str) -> bool:
    """The column is the numeric target but for unit and offset."""
    if column.type == "text":
        return False
    correlation = frame.select(
        pl.corr(pl.col(column.name).cast(pl.Float64), pl.col(target).cast(pl.Float64))
    ).item()
    return correlation is not None and abs(correlation) > SAME_CORRELATION
