"""Bodies that the standard library reads, and that mean nothing or two things."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.strict_json import MAX_DEPTH, parse
from models.errors import Malformed

REFUSED = [
    (b"", "no body"),
    (b" \n ", "no body"),
    (b"[1]", "JSON object"),
    (b'"text"', "JSON object"),
    (b"{", "not JSON: Expecting property name enclosed in double quotes (line 1, column 2)"),
    (b'{"a": 1,}', "line 1, column"),
    (b"{'a': 1}", "line 1, column 2"),
    (b'{"a": 1} x', "Extra data (line 1, column 10)"),
    (b'{"a": 01}', "line 1, column 8"),
    (b'{"a":\n NaN}', "NaN is not JSON (line 2, column 2)"),
    (b'{"a": Infinity}', "Infinity is not JSON"),
    (b'{"a": -Infinity}', "-Infinity is not JSON (line 1, column 7)"),
    (b'{"a": "NaN", "b": NaN}', "(line 1, column 19)"),
    (b'{"a": 1e400}', "too large for a double (line 1, column 7)"),
    (b'{"a": -1e999999999}', "too large for a double"),
    (b'{"a": 9223372036854775808}', "more than 64 bits (line 1, column 7)"),
    (b'{"a": ' + b"9" * 100_000 + b"}", "more than 64 bits"),
    (b'{"a": 1, "a": 2}', "stands twice in one object (line 1, column 10)"),
    (b'{"a": {"b": 1,\n"b": 1}}', "stands twice in one object (line 2, column 1)"),
    (b'{"a": 1, "\\u0061": 2}', "stands twice in one object"),
    (b'{"a": "\xff"}', "not UTF-8: byte 7"),
    (b'{"a": "\\ud800"}', "half a surrogate pair (line 1, column 7)"),
    (b'{"\\u0000": 1}', "NUL"),
    (b'{"a": "b\nc"}', "Invalid control character"),
]


@pytest.mark.parametrize(("body", "said"), REFUSED, ids=[repr(body)[:40] for body, _ in REFUSED])
def test_a_body_that_is_not_plain_json_is_refused_with_its_position(body: bytes, said: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(body)
    assert said in refused.value.detail


@pytest.mark.parametrize("opening", [b'{"a":', b"["])
def test_a_body_nested_too_deeply_is_refused(opening: bytes) -> None:
    with pytest.raises(Malformed, match="nested more than 64 levels deep"):
        parse(opening * 100_000)


def test_a_body_nested_as_deeply_as_allowed_is_read() -> None:
    arrays = MAX_DEPTH - 1
    parse(b'{"a":' + b"[" * arrays + b"]" * arrays + b"}")


def test_brackets_inside_of_strings_are_no_nesting() -> None:
    assert parse(b'{"a": "' + b"[" * 1000 + b'"}') == {"a": "[" * 1000}


def test_the_same_name_in_two_objects_is_no_repetition() -> None:
    assert parse(b'{"a": {"a": 1}, "b": {"a": 1}}') == {"a": {"a": 1}, "b": {"a": 1}}


def test_a_byte_order_mark_is_no_part_of_the_body() -> None:
    assert parse(b"\xef\xbb\xbf{}") == {}


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"' + b'\\"' * 500_000,
        b'"' * 1_000_000,
        b'{"a":[' + b"[]," * 300_000 + b"[]]}",
        b'{"a":[' + b'"\\u0000",' * 100_000 + b"1]}",
        b'{"a":[' + b"{}," * 300_000 + b"NaN]}",
    ],
    ids=["quotes", "unclosed strings", "many arrays", "many NULs", "late NaN"],
)
def test_hostile_bodies_of_a_megabyte_take_no_more_than_moments(body: bytes) -> None:
    started = time.process_time()
    with suppress(Malformed):
        parse(body)
    assert time.process_time() - started < 5  # quadratic work would take minutes


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)


@given(document=st.dictionaries(st.text("abc"), values), ascii_only=st.booleans())
def test_what_is_json_is_read_as_the_standard_library_reads_it(
    *, document: dict[str, object], ascii_only: bool
) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only)
    assert parse(body.encode()) == json.loads(body)


@given(st.binary(max_size=200) | st.text('{}[]":,\\u0aN1e- ', max_size=60).map(str.encode))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    with suppress(Malformed):
        assert isinstance(parse(body), dict)
