"""Fewer members that between them have all that the members have: each costs seconds to compare.

EPOCHD_WHOLE_MENAGERIE=1 compares every member. What a member has is every field that its spec
sets, with its choice where that is one of several; the members left out only combine them anew.
"""

import os
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from tests.trainer.menagerie.members import MEMBERS, Member

Part = tuple[str, str]


def parts(member: Member) -> frozenset[Part]:
    """What a member has."""
    spec, fit = member.spec, member.spec.fit
    told = [spec.network.model_dump(mode="json", exclude_unset=True)]
    told.append(spec.compile.model_dump(mode="json", exclude_unset=True))
    told.append(fit.model_dump(mode="json", exclude_unset=True))
    rows = {
        "batch_size": str(fit.batch_size),
        "validated": str(bool(fit.validation_split)),
        "weights": "row" if member.weighted else "class" if member.class_weight else "none",
        "diverges": f"{member.diverges}, stopping: {fit.early_stopping is not None}",
    }
    return frozenset((*rows.items(), *(part for fields in told for part in _parts("", fields))))


def _parts(name: str, value: JsonValue) -> Iterator[Part]:
    """Numbers by their field's name alone: no other number of them would be another part."""
    if isinstance(value, dict):
        for inner, field in value.items():
            yield from _parts(inner, field)
    elif isinstance(value, list):
        for each in value:
            yield from _parts(name, each)
    else:
        yield name, "" if _is_number(value) else str(value)


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _few(members: Sequence[Member]) -> tuple[Member, ...]:
    """Each time the one that adds the most."""
    of = {member.name: parts(member) for member in members}
    missing = frozenset().union(*of.values())
    chosen: list[Member] = []
    while missing:
        best = max(members, key=lambda member: len(of[member.name] & missing))
        missing -= of[best.name]
        chosen.append(best)
    return tuple(chosen)


FEW = MEMBERS if os.environ.get("EPOCHD_WHOLE_MENAGERIE") else _few(MEMBERS)
