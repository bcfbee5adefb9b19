"""Writes the way from one spec to another as a JSON Patch (RFC 6902). Pure."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from pydantic import JsonValue

from models.findings import Patch
from models.pointers import pointer
from models.specs.experiment import ExperimentSpec

Operation = dict[str, JsonValue]


def patch(before: ExperimentSpec, after: ExperimentSpec) -> Patch:
    """The operations that make the one, as GET shows it, the other."""
    return tuple(_between(before.model_dump(mode="json"), after.model_dump(mode="json"), ()))


def _between(before: JsonValue, after: JsonValue, at: tuple[str | int, ...]) -> Iterator[Operation]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_objects(before, after, at)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, at)
    else:
        yield {"op": "replace", "path": pointer(*at), "value": after}


def _of_objects(
    before: dict[str, JsonValue], after: dict[str, JsonValue], at: tuple[str | int, ...]
) -> Iterator[Operation]:
    for name in before:
        if name not in after:
            yield {"op": "remove", "path": pointer(*at, name)}
    for name, value in after.items():
        if name in before:
            yield from _between(before[name], value, (*at, name))
        else:
            yield {"op": "add", "path": pointer(*at, name), "value": value}


def _of_lists(
    before: Sequence[JsonValue], after: Sequence[JsonValue], at: tuple[str | int, ...]
) -> Iterator[Operation]:
    """Item by item where both are as long, else by what was put in and taken out."""
    if len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _between(one, other, (*at, index))
        return
    steps = SequenceMatcher(None, [repr(each) for each in before], [repr(each) for each in after])
    at_now = 0  # as far as the list is as it shall be
    for step, start, end, put_from, put_to in steps.get_opcodes():
        if step == "equal":
            at_now += end - start
            continue
        for _ in range(start, end):
            yield {"op": "remove", "path": pointer(*at, at_now)}
        for value in after[put_from:put_to]:
            yield {"op": "add", "path": pointer(*at, at_now), "value": value}
            at_now += 1
