"""Entity tags: which state of a thing an answer shows, and whether a client has it already."""

from typing import Annotated

from fastapi import Header

IfNoneMatch = Annotated[
    str | None,
    Header(description="Entity tags you have; an answer that would be the same is a 304."),
]


def of_version(version: int) -> str:
    """The tag of an experiment at a version.

    Weak: an estimate or a place in the queue may differ between two answers with the same tag.
    """
    return f'W/"{version}"'


def of_content(sha256: str) -> str:
    """The tag of a file: equal tags, equal bytes."""
    return f'"{sha256}"'


def matches(tag: str, if_none_match: str | None) -> bool:
    """Whether the header names the tag (RFC 9110, 13.1.2: weak comparison)."""
    if if_none_match is None:
        return False
    named = {name.strip().removeprefix("W/") for name in if_none_match.split(",")}
    return "*" in named or tag.removeprefix("W/") in named
