"""What a profile says about columns, and the warnings that people should see."""

from collections.abc import Sequence

import polars as pl

from models.profile import TableProfile
from store.formats.profile import MAX_LISTED_VALUES, table_profile
from store.formats.table import Table

ROWS = 100


def profile(target: str | None = None, **columns: Sequence[object]) -> TableProfile:
    return table_profile(Table(pl.DataFrame(columns)), target)


def warned(found: TableProfile) -> list[tuple[str, str | None]]:
    return [(warning.code, warning.column) for warning in found.warnings]


def test_numbers_are_described_by_their_present_values() -> None:
    (column, _) = profile(a=[1.0, None, 3.0, 8.0], b=[1, 2, 3, 4]).columns
    assert (column.type, column.missing, column.distinct) == ("number", 1, 3)
    assert (column.minimum, column.maximum, column.mean) == (1.0, 8.0, 4.0)
    assert column.standard_deviation == 2.94392  # of the population, as scaling uses it
    assert column.integral


def test_labels_are_counted_most_frequent_first() -> None:
    columns = profile(
        word=["b", "a", "b", None], flag=[True, None, True, False], code=[2.0, 1.0, 2.0, 1.0]
    ).columns
    assert [[(count.value, count.rows) for count in column.top] for column in columns] == [
        [("b", 2), ("a", 1)],
        [("true", 2), ("false", 1)],
        [("1", 2), ("2", 2)],
    ]


def test_numbers_that_are_no_labels_are_not_listed() -> None:
    columns = profile(half=[i / 2 for i in range(ROWS)], many=list(range(ROWS))).columns
    assert [column.top for column in columns] == [(), ()]


def test_a_wide_table_lists_the_values_of_its_plainest_columns_only() -> None:
    frame = pl.DataFrame(
        {f"pixel{i}": [(row * (i + 1)) % 100 for row in range(2000)] for i in range(200)}
        | {"label": [row % 10 for row in range(2000)]}
    )
    columns = table_profile(Table(frame)).columns
    assert sum(len(column.top) for column in columns) <= MAX_LISTED_VALUES
    assert len(columns[-1].top) == 10


def test_a_column_without_a_value_is_a_constant_one() -> None:
    found = profile(a=[None] * ROWS, b=[1, 2] * (ROWS // 2))
    assert (found.columns[0].distinct, found.columns[0].missing) == (0, ROWS)
    assert ("constant_column", "a") in warned(found)


def test_constant_and_mostly_empty_columns_are_warned_of() -> None:
    found = profile(
        same=[7] * ROWS, gaps=[None] * 41 + [1, 2] * 29 + [1], fine=[1, 2] * (ROWS // 2)
    )
    assert warned(found) == [("constant_column", "same"), ("many_missing", "gaps")]


def test_identifiers_are_warned_of_and_measurements_are_not() -> None:
    shuffled = [(i * 37) % ROWS for i in range(ROWS)]
    found = profile(
        number=list(range(ROWS)),
        customer_id=shuffled,
        score=shuffled,
        weight=[i / 7 for i in shuffled],
        name=[f"person {i}" for i in range(ROWS)],
    )
    assert warned(found) == [
        ("id_like_column", "number"),
        ("id_like_column", "customer_id"),
        ("id_like_column", "name"),
    ]


def test_a_column_that_gives_the_label_away_is_warned_of() -> None:
    label = [i % 2 for i in range(ROWS)]
    found = profile(
        "label",
        label=label,
        leak=["yes" if value else "no" for value in label],
        fair=[(i // 3) % 4 for i in range(ROWS)],
    )
    assert warned(found) == [("predicts_target", "leak")]


def test_the_target_in_other_units_is_warned_of() -> None:
    metres = [(i * 7 % 40) / 2 + 0.25 for i in range(ROWS)]
    found = profile(
        "metres",
        metres=metres,
        feet=[value * 3.28 for value in metres],
        age=[i * 3 % 50 for i in range(ROWS)],
    )
    assert warned(found) == [("predicts_target", "feet")]


def test_a_rare_class_is_warned_of() -> None:
    found = profile("y", y=["a"] * 95 + ["b"] * 5, x=[(i * 7) % 31 for i in range(ROWS)])
    assert warned(found) == [("imbalance", "y")]
    even = profile("y", y=["a", "b"] * 50, x=[(i * 7) % 31 for i in range(ROWS)])
    assert warned(even) == []
