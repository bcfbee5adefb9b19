"""Turns pydantic's errors into issues: a pointer into what was sent, and what would be right.

A location of pydantic's names also the members of unions ("layers", 3, "Dense", "units"), which are
not in the body; only those steps count that the body has.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from models.errors import Issue
from models.pointers import pointer

_QUOTED = re.compile(r"'([^']*)'")
_ABSENT = object()


def issues(errors: Iterable[ErrorDetails], body: object) -> tuple[Issue, ...]:
    """Say what is wrong with a body that pydantic refused.

    Args:
        errors: `ValidationError.errors()`, located from the root of the body.
        body: what was validated, parsed but not otherwise changed.
    """
    return tuple(dict.fromkeys(_issue(error, body) for error in errors))


def _issue(error: ErrorDetails, body: object) -> Issue:
    where = _pointer(error, body)
    context = error.get("ctx", {})
    allowed: tuple[str, ...] = ()
    code, message = error["type"], _sentence(error["msg"])
    match code:
        case "union_tag_invalid":
            return _unknown(where, _kind(context), str(context["tag"]), context["expected_tags"])
        case "union_tag_not_found":
            kind = _kind(context)
            code, message = "missing", f'Say which {kind} it is: {{"{kind}": …}}.'
        case "literal_error":
            allowed = _quoted(context["expected"])
            message = f"Expected is {context['expected']}{_close(str(error['input']), allowed)}."
        case "missing":
            message = "This field is required."
        case "extra_forbidden":
            code, message = "unknown_field", f"There is no field {error['loc'][-1]!r} here."
        case "value_error":
            code, message = "invalid_value", _sentence(str(context["error"]))
    return Issue(where, code, message, allowed)


def _unknown(where: str, kind: str, name: str, expected: str) -> Issue:
    allowed = _quoted(expected)
    return Issue(
        where,
        f"unknown_{kind}",
        f"There is no {kind} {name!r}{_close(name, allowed)}. Allowed are {', '.join(allowed)}.",
        allowed,
    )


def _kind(context: dict[str, str]) -> str:
    """What a union is of: the name of its discriminating field."""
    return context["discriminator"].strip("'")


def _quoted(names: str) -> tuple[str, ...]:
    return tuple(_QUOTED.findall(names))


def _close(name: str, allowed: Sequence[str]) -> str:
    close = get_close_matches(name, allowed, n=2)
    return f"; did you mean {' or '.join(close)}" if close else ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _pointer(error: ErrorDetails, body: object) -> str:
    """Walk the location through the body; a step that it does not have is a union's member."""
    steps: list[str | int] = []
    here = body
    for step in error["loc"]:
        found = _part(here, step)
        if found is not _ABSENT:
            here = found
            steps.append(step)
    if error["type"] == "missing":
        steps.append(error["loc"][-1])
    return pointer(*steps)


def _part(value: object, step: str | int) -> object:
    if isinstance(value, Mapping):
        return value.get(step, _ABSENT)
    if isinstance(value, list | tuple) and isinstance(step, int) and step < len(value):
        return value[step]
    return _ABSENT
