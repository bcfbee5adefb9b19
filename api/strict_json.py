"""Reads JSON bodies the way RFC 8259 means them, which the standard library does not insist on.

NaN and Infinity, a repeated name, a number that no double or 64-bit integer holds, text that no
database stores and a nesting that would exhaust the stack are refused with their position, so
nothing behind this has to expect them.
"""

import json
import math
import re
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import JsonValue
from starlette.concurrency import run_in_threadpool

from models.errors import Malformed, UnknownFormat

# The deepest spec has about ten levels; Python's parser gives up near one thousand.
MAX_DEPTH = 64
# Up to this size parsing takes under a millisecond, less than a switch to another thread.
INLINE_BYTES = 16 * 1024

LARGEST_INTEGER = 2**63 - 1

# Escapes that can give text which cannot be stored: half a surrogate pair, and the character NUL.
_SUSPECT_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")

# Possessive, and without insisting on the closing quote: linear also on hostile input.
_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]+|\\.)*+"?)(?P<name>[ \t\n\r]*:)?'
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<literal>[^\s\[\]{},:\"]+)",
    re.DOTALL,
)


class StrictJsonRoute(APIRoute):
    """A route whose JSON body, where it has one, is read by `parse`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler: it sees a request whose body is parsed already."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def strict(request: Request) -> Response:
            _check_content_type(request.headers.get("content-type"))
            body = await request.body()
            parsed = _ParsedRequest(request.scope, request.receive)
            parsed.use(
                body,
                parse(body) if len(body) <= INLINE_BYTES else await run_in_threadpool(parse, body),
            )
            return await handle(parsed)

        return strict


class _ParsedRequest(Request):
    """A request whose body was read and parsed before FastAPI asks for it."""

    def use(self, body: bytes, document: dict[str, JsonValue]) -> None:
        # Where Starlette keeps both once they have been read.
        self._body = body
        self._json = document


def parse(body: bytes) -> dict[str, JsonValue]:
    """The object that these bytes say.

    Raises:
        Malformed: they are not UTF-8, not JSON, or JSON that means different things to different
            readers; the message names the line and column.
    """
    if not body.strip():
        raise Malformed("The request has no body; send a JSON object.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    _check_depth(text)
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object_of,
            parse_int=_integer_of,
            parse_float=_number_of,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error.msg} ({_place(text, error.pos)}).") from None
    except _Refused as refused:
        raise Malformed(f"{refused} ({_place(text, refused.find(text))}).") from None
    _check_text(text)
    if not isinstance(document, dict):
        raise Malformed("The body has to be a JSON object: {…}.")
    return document


class _Refused(ValueError):
    """A part of the body is refused; `find` looks for its position, which hooks do not know."""

    def __init__(self, message: str, find: Callable[[str], int]) -> None:
        super().__init__(message)
        self.find = find


def _object_of(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise _Refused("A name stands twice in one object", _position_of_repeated_name)
    return document


def _integer_of(text: str) -> int:
    # Python limits the digits it converts, and SQL and arrays end at 64 bits.
    if len(text) > len(str(-LARGEST_INTEGER)) or abs(int(text)) > LARGEST_INTEGER:
        raise _Refused("An integer needs more than 64 bits", _position_of_literal(text))
    return int(text)


def _number_of(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Refused("A number is too large for a double", _position_of_literal(text))
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not JSON", _position_of_literal(name))


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token["open"] is not None) - (token["close"] is not None)
        if depth > MAX_DEPTH:
            raise Malformed(
                f"The body is nested more than {MAX_DEPTH} levels deep "
                f"({_place(text, token.start())})."
            )


def _check_text(text: str) -> None:
    if not _SUSPECT_ESCAPE.search(text):
        return
    for token in _TOKEN.finditer(text):
        if token["string"] and not _is_storable(json.loads(token["string"])):
            raise Malformed(
                "A string holds the character NUL or half a surrogate pair "
                f"({_place(text, token.start())})."
            )


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _position_of_literal(literal: str) -> Callable[[str], int]:
    def find(text: str) -> int:
        places = (token.start() for token in _TOKEN.finditer(text) if token["literal"] == literal)
        return next(places, text.find(literal))

    return find


def _position_of_repeated_name(text: str) -> int:
    seen: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        if token["open"]:
            seen.append(set())
        elif token["close"]:
            seen.pop()
        elif token["name"]:
            # Parsed, since "a" and "\u0061" are the same name.
            name = json.loads(token["string"])
            if name in seen[-1]:
                return token.start()
            seen[-1].add(name)
    raise AssertionError("no name stands twice")


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"line {line}, column {column}"


def _check_content_type(header: str | None) -> None:
    media_type = (header or "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        said = f"not {media_type}" if media_type else "and say so in Content-Type"
        raise UnknownFormat(f"Send the body as application/json, {said}.")
