"""Delimited text as the world writes it, and as it must not."""

import csv
import io
import string
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import Unreadable
from store.formats.csv import read_csv, separator_of
from store.formats.detect import detect
from store.formats.table import Table


def table(folder: Path, content: str | bytes) -> Table:
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(path)


def refusal(folder: Path, content: str | bytes) -> Unreadable:
    with pytest.raises(Unreadable) as refused:
        table(folder, content)
    return refused.value


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " ", ":"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    text = "age,name,paid\n31,Ann,1.5\n47,Bob,2.25\n".replace(",", separator)
    frame = table(tmp_path, text).frame
    assert frame.rows() == [(31, "Ann", 1.5), (47, "Bob", 2.25)]
    assert frame.columns == ["age", "name", "paid"]


def test_a_comma_in_the_text_does_not_hide_a_semicolon_between_cells() -> None:
    assert separator_of('name;note\n"Ann";"a, b, c"\n"Bob";"d, e, f"\n') == ";"


def test_a_first_line_longer_than_the_sample_is_split(tmp_path: Path) -> None:
    names = [f"measurement_{index}" for index in range(8000)]
    cells = ",".join("1" * len(names))
    assert table(tmp_path, f"{','.join(names)}\n{cells}\n").frame.columns == names


def test_decimal_commas_are_read_where_semicolons_separate(tmp_path: Path) -> None:
    frame = table(tmp_path, "acid;score\n7,4;5\n7;6\n-0,88;5\n").frame
    assert frame["acid"].to_list() == [7.4, 7.0, -0.88]


def test_decimal_commas_are_read_without_a_header_too(tmp_path: Path) -> None:
    read = table(tmp_path, "7,4;1,5\n8,1;2,5\n9,2;3,25\n")
    assert read.frame.rows() == [(7.4, 1.5), (8.1, 2.5), (9.2, 3.25)]
    assert [warned.code for warned in read.warnings] == ["no_header"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"]
)
def test_accented_words_survive_every_encoding(tmp_path: Path, encoding: str) -> None:
    text = "city,rows\nZürich,1\nMálaga,2\n"
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    frame = table(tmp_path, (mark + text).encode(encoding)).frame
    assert frame.columns == ["city", "rows"]
    assert frame["city"].to_list() == ["Zürich", "Málaga"]


def test_one_accented_letter_after_megabytes_of_ascii_is_read(tmp_path: Path) -> None:
    lines = "city,rows\n" + "Bern,1\n" * 200_000 + "Zürich,2\n"
    frame = table(tmp_path, lines.encode("cp1252")).frame
    assert frame["city"][-1] == "Zürich"


def test_quoted_cells_keep_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    text = 'name,said,n\r\n"Owen, Mr.","a ""word""",1\r\nAnn,"two\r\nlines",2\r\n'
    assert table(tmp_path, text).frame.rows() == [
        ("Owen, Mr.", 'a "word"', 1),
        ("Ann", "two\r\nlines", 2),
    ]


def test_types_are_what_all_cells_agree_on(tmp_path: Path) -> None:
    text = "whole,number,flag,word\n1,1,True,1\n-2,2.5,false,2\n,NaN,,x\n4,1e3,TRUE,NA\n"
    frame = table(tmp_path, text).frame
    assert frame.schema == {
        "whole": pl.Int64,
        "number": pl.Float64,
        "flag": pl.Boolean,
        "word": pl.String,
    }
    assert frame["whole"].to_list() == [1, -2, None, 4]
    assert frame["number"].to_list() == [1.0, 2.5, None, 1000.0]
    assert frame["flag"].to_list() == [True, False, None, True]
    assert frame["word"].to_list() == ["1", "2", "x", "NA"]


def test_a_word_in_the_last_of_many_rows_makes_a_column_text(tmp_path: Path) -> None:
    text = "a,b\n" + "1,2\n" * 20_000 + "1,two\n"
    frame = table(tmp_path, text).frame
    assert frame.schema == {"a": pl.Int64, "b": pl.String}
    assert frame.height == 20_001


def test_empty_lines_and_rows_without_a_value_are_left_out(tmp_path: Path) -> None:
    frame = table(tmp_path, "a,b\n\n1,2\n,\n   \n3,4\n\n").frame
    assert frame.rows() == [(1, 2), (3, 4)]


def test_a_column_without_a_name_is_numbered(tmp_path: Path) -> None:
    assert table(tmp_path, ",a\n0,x\n1,y\n").frame.columns == ["column_1", "a"]


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        ("5.1,3.5,setosa", "4.9,3.0,setosa\n4.7,3.2,other\n6.1,3.3,other\n"),
        ("1,0.5", "0,0.25\n1,0.125\n"),
        ("7,", "8,1\n9,2\n"),
        (",1.5", "true,2.5\nfalse,3\n"),
    ],
)
def test_a_first_row_of_values_is_kept_as_a_row(tmp_path: Path, first: str, rest: str) -> None:
    read = table(tmp_path, f"{first}\n{rest}")
    assert read.frame.height == rest.count("\n") + 1
    assert read.frame.columns[:2] == ["column_1", "column_2"]
    assert [warned.code for warned in read.warnings] == ["no_header"]


@pytest.mark.parametrize(
    ("header", "rest"),
    [
        ("0,1,2", "5,6,7\n8,9,1\n"),  # a data frame without names
        ("country,2019,2020", "Chad,5,6\nMali,7,8\nChad,1,2\n"),
        ("5,0,0.1", "0,3,0\n4,0,0\n"),  # names made unique: the columns hold whole numbers
        ("a,b", "x,y\nx,z\n"),
        ("a,b", "1,2\n"),
        ("Infinity,b", "1,2\n3,4\n"),
        ("true,b", "1,2\n3,4\n"),
    ],
)
def test_a_first_row_of_names_is_a_header(tmp_path: Path, header: str, rest: str) -> None:
    read = table(tmp_path, f"{header}\n{rest}")
    assert read.frame.columns == header.split(",")
    assert read.warnings == ()


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("a,b\n1,2\n3\n", 3, "cells is 1"),
        ("a,b\n1,2\n3,4,5\n", 3, "cells is 3"),
        ('a,b\n"x\ny",2\n3,4\n5\n', 5, "cells is 1"),
        ("a,b,a\n1,2,3\n", 1, "'a'"),
        ("a\n1\n2\n", 1, "one column"),
        ("a,b\n", 1, "no rows"),
        ("\n\n \n", 1, "blanks"),
        ('a,b\n1,2\n"3,4\n5,6\n', 3, "quotation"),
        ("a,b\n1,2\n3,\0\n", 3, "NUL"),
        ("a,b\n1," + "9" * 200_000 + "\n", 2, "field larger"),
        ("x" * 201 + ",b\n1,2\n", 1, "201 characters"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, content: str, line: int, said: str
) -> None:
    refused = refusal(tmp_path, content)
    assert said in refused.detail
    assert refused.line == line
    assert refused.detail.startswith(f"Line {line}: ")


@pytest.mark.parametrize("number", ["inf", "-Infinity", "1e400", "1e39"])
def test_a_number_that_no_network_can_compute_with_is_refused(tmp_path: Path, number: str) -> None:
    refused = refusal(tmp_path, f"size,b\n1,2\n{number},4\n")
    assert "'size'" in refused.detail
    assert "row 2" in refused.detail


def test_damaged_utf_16_is_refused(tmp_path: Path) -> None:
    assert "UTF-16" in refusal(tmp_path, "a,b\n1,2\n".encode("utf-16")[:-1]).detail


def test_a_hundred_thousand_rows_are_all_there(tmp_path: Path) -> None:
    text = "i,half\n" + "".join(f"{i},{i / 2}\n" for i in range(100_000))
    frame = table(tmp_path, text).frame
    assert frame["i"].to_list() == list(range(100_000))
    assert frame["half"].sum() == sum(range(100_000)) / 2


WORDS = st.text(string.ascii_letters + " ,;\"'\n\täöé€0123456789.-", max_size=12).map(
    lambda text: f"w{text}w"
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
COLUMNS = st.tuples(
    st.lists(st.tuples(WORDS, st.none() | NUMBERS, NUMBERS), min_size=1, max_size=30),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)


@given(COLUMNS)
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_a_csv_writer_writes_is_read_back(
    tmp_path: Path, drawn: tuple[list[tuple[str, float | None, float]], str, str]
) -> None:
    rows, separator, encoding = drawn
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(["word", "maybe", "number"])
    writer.writerows(rows)
    frame = table(tmp_path, text.getvalue().encode(encoding)).frame
    assert frame["word"].to_list() == [word for word, _, _ in rows]
    assert frame["maybe"].to_list() == [maybe for _, maybe, _ in rows]
    assert frame["number"].to_list() == [number for _, _, number in rows]


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_are_a_table_or_a_clear_refusal(tmp_path: Path, content: bytes) -> None:
    try:
        read = table(tmp_path, content)
    except Unreadable:
        return
    assert read.frame.width > 1
    assert read.frame.height > 0


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "rows", "columns", "target"),
    [
        ("titanic_all_numeric.csv", 891, 11, "survived"),
        ("hourly_wages.csv", 534, 10, "wage_per_hour"),
        ("titanic_train.csv", 891, 12, "Survived"),
        ("california_housing.csv", 20_640, 10, "median_house_value"),
        ("winequality_red_semicolon.csv", 1599, 12, "quality"),
        ("hr_attrition_bom.csv", 1470, 35, "Attrition"),
        ("marketing_campaign_tab.csv", 2240, 29, "Response"),
        ("iris.csv", 150, 5, "column_5"),
        ("mnist.csv", 2000, 785, "5"),
    ],
)
def test_real_files_are_read_whole(
    shared_data: Path, name: str, rows: int, columns: int, target: str
) -> None:
    path = shared_data / name
    assert detect(path, name) == "csv"
    frame = read_csv(path).frame
    assert frame.shape == (rows, columns)
    assert target in frame.columns
    assert frame[target].null_count() == 0
