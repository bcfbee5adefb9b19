"""Turns what pydantic finds wrong with a request into issues that say what would be right."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any

from pydantic import BaseModel

from api.pointers import Location, locate
from models.errors import Issue

# A client mends the first few and asks again; ten thousand wrong layers are one mistake.
MAX_ERRORS = 100

_WRONG_TYPE = "wrong_type"
_TYPE_ERRORS = ("_type", "_parsing", "_parsing_size", "_from_float")
_QUOTED = re.compile(r"'([^']*)'")

# Pydantic has a name for every kind of comparison and of parsing; clients need fewer.
_CODES: Mapping[str, str] = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "literal_error": "unknown_value",
    "enum": "unknown_value",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "finite_number": "out_of_range",
    "too_short": "too_short",
    "string_too_short": "too_short",
    "too_long": "too_long",
    "string_too_long": "too_long",
    "string_pattern_mismatch": "wrong_pattern",
    "value_error": "invalid_value",
}

# Pydantic speaks of Python; clients write JSON.
_IN_JSON: Mapping[str, str] = {
    "model_type": "Input should be an object: {…}.",
    "model_attributes_type": "Input should be an object: {…}.",
    "dict_type": "Input should be an object: {…}.",
    "tuple_type": "Input should be a list: […].",
    "list_type": "Input should be a list: […].",
}

_PART_MISSING = (
    "{name} is required: send multipart/form-data with a part of this name (curl -F {name}=@…)."
)

# One error as pydantic reports it: type, loc, msg, input, ctx.
Reported = Mapping[str, Any]


def body_issues(
    errors: Iterable[Reported], document: object, model: type[BaseModel]
) -> tuple[Issue, ...]:
    """What is wrong with a body, each at its pointer.

    Args:
        errors: as pydantic reports them.
        document: what the client sent.
        model: what it should have been.
    """
    return _one_a_place(
        (place, _issue(error, place))
        for error in islice(errors, MAX_ERRORS)
        for place in [_place(error, document, model)]
    )


def parameter_issue(error: Reported) -> Issue:
    """What is wrong outside of a spec.

    Its pointer is "?limit" for a query parameter, "header:Idempotency-Key" for a header and "/file"
    for a part of a form.
    """
    source, name = error["loc"][0], str(error["loc"][1])
    prefix = {"query": "?", "header": "header:", "body": "/"}.get(source, "")
    place = Location(prefix + name)
    # A part is absent, or is a text where a file is due.
    if source == "body" and error["type"] in {"missing", "value_error"}:
        return Issue(place.pointer, "missing", _PART_MISSING.format(name=name))
    return _issue({**error, "loc": error["loc"][:2]}, place)


@cache
def _schema(model: type[BaseModel]) -> Mapping[str, Any]:
    # Made when the first mistake comes: a spec's takes longer than the rest of a start.
    return model.model_json_schema(mode="validation")


def _place(error: Reported, document: object, model: type[BaseModel]) -> Location:
    # Our models say `at` which field they mean where pydantic only knows the object around it.
    steps = (*error["loc"][1:], *error.get("ctx", {}).get("at", ()))
    # An unknown field is judged by the object that it stands in.
    known = steps[:-1] if error["type"] == "extra_forbidden" else steps
    return locate(_schema(model), known, document)


def _issue(error: Reported, place: Location) -> Issue:
    """Say one error of pydantic's in words; `place` is that of `_place`."""
    kind, context = error["type"], error.get("ctx", {})
    name = str(error["loc"][-1])
    match kind:
        case "missing":
            return Issue(place.pointer, "missing", f"{name} is required.")
        case "extra_forbidden":
            return _unknown_field(name, place)
        case "union_tag_invalid":
            return _unknown_tag(context, place)
        case "union_tag_not_found":
            return _missing_tag(context, place)
    allowed = tuple(_QUOTED.findall(str(context.get("expected", ""))))
    message = _IN_JSON.get(kind) or _sentence(
        error["msg"]
        .removeprefix("Value error, ")
        .replace("Tuple", "List")
        .replace(" after validation", "")
    )
    if isinstance(error.get("input"), str):
        message += _closest(error["input"], allowed)
    return Issue(place.pointer, _code(kind), message, allowed)


def _unknown_field(name: str, place: Location) -> Issue:
    allowed = place.names
    message = f"{_shown(name)} is not known here." + _closest(name, allowed)
    return Issue(place.child(name), "unknown_field", message, allowed)


def _unknown_tag(context: Mapping[str, Any], place: Location) -> Issue:
    what, tag = context["discriminator"].strip("'"), str(context["tag"])
    allowed = tuple(_QUOTED.findall(context["expected_tags"]))
    message = f"There is no {what} {_shown(tag)}." + _closest(tag, allowed)
    # A bare name can stand for the object: "loss": "mse".
    pointer = place.pointer if isinstance(place.value, str) else place.child(what)
    return Issue(pointer, f"unknown_{what}", message, allowed)


def _missing_tag(context: Mapping[str, Any], place: Location) -> Issue:
    what = context["discriminator"].strip("'")
    return Issue(place.child(what), "missing", f"{what} is required: it says which one this is.")


def _code(kind: str) -> str:
    if kind in _CODES:
        return _CODES[kind]
    # The rest of pydantic's own names end so; any other is a code that our models gave.
    return (
        _WRONG_TYPE
        if kind.endswith(("_type", "_parsing", "_from_float", "_parsing_size"))
        else kind
    )


def _closest(name: str, allowed: Sequence[str]) -> str:
    by_lower = {value.lower(): value for value in allowed}
    match = difflib.get_close_matches(name[:100].lower(), by_lower, n=1)
    return f" Did you mean {by_lower[match[0]]}?" if match else ""


def _shown(name: str) -> str:
    longest = 60
    return name if len(name) <= longest else name[:longest] + "…"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else text + "."


def _one_a_place(found: Iterable[tuple[Location, Issue]]) -> tuple[Issue, ...]:
    """Join what the branches of one union say, and leave out what deeper mistakes have caused."""
    by_pointer: dict[str, list[tuple[Location, Issue]]] = {}
    for place, issue in found:
        by_pointer.setdefault(issue.pointer, []).append((place, issue))
    parents = {parent for pointer in by_pointer for parent in _parents(pointer)}
    return tuple(
        _joined([issue for _, issue in at_one_place])
        for pointer, at_one_place in by_pointer.items()
        if not (pointer in parents and all(_is_consequence(*one) for one in at_one_place))
    )


def _is_consequence(place: Location, issue: Issue) -> bool:
    # Another branch of the union fitted better, or pydantic did not count the wrong items.
    return place.in_union or issue.code == "too_short"


def _parents(pointer: str) -> Iterator[str]:
    while pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer


def _joined(issues: Sequence[Issue]) -> Issue:
    telling = [issue for issue in issues if issue.code != _WRONG_TYPE] or list(issues)
    messages = dict.fromkeys(issue.message for issue in telling)
    allowed = dict.fromkeys(value for issue in telling for value in issue.allowed)
    return replace(telling[0], message=" Or: ".join(messages), allowed=tuple(allowed))
