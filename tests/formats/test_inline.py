"""Rows inside a request are read like the same rows in a file."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from models.errors import Invalid, Issue
from models.specs.data import InlineTable
from store.formats.csv import read_csv
from store.formats.inline import read_inline


def inline(columns: list[str], rows: list[list[JsonValue]]) -> InlineTable:
    return InlineTable.model_validate({"columns": columns, "rows": rows})


def refusal(table: InlineTable) -> tuple[Issue, ...]:
    with pytest.raises(Invalid) as refused:
        read_inline(table)
    return refused.value.issues


def test_the_same_cells_are_the_same_table_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b,c,d\n1,0.1,true,x\n2,,false,\n-3,1e-7,true,y z\n")
    table = inline(
        ["a", "b", "c", "d"],
        [[1, 0.1, True, "x"], [2, None, False, None], [-3, 1e-7, True, "y z"]],
    )
    assert read_inline(table).frame.equals(read_csv(path).frame)


def test_every_digit_of_a_number_survives() -> None:
    frame = read_inline(inline(["a", "b"], [[0.1 + 0.2, 1], [1 / 3, 2]])).frame
    assert frame["a"].to_list() == [0.1 + 0.2, 1 / 3]


def test_rows_of_another_length_are_pointed_at() -> None:
    issues = refusal(inline(["a", "b"], [[1, 2], [3], [4, 5], [6, 7, 8]]))
    assert [issue.pointer for issue in issues] == ["/data/inline/rows/1", "/data/inline/rows/3"]
    assert {issue.code for issue in issues} == {"ragged_row"}


def test_two_columns_of_one_name_are_pointed_at() -> None:
    (issue,) = refusal(inline(["a", "a"], [[1, 2], [3, 4]]))
    assert issue.pointer == "/data/inline/columns"


@pytest.mark.parametrize("number", [1e300, 10**400])
def test_a_number_beyond_32_bits_is_pointed_at(number: float) -> None:
    (issue,) = refusal(inline(["a", "b"], [[1, 2], [number, 4]]))
    assert issue.pointer == "/data/inline/rows"
    assert "'a'" in issue.message
