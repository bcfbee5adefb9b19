"""The settings that lie in a search over spec paths: enumerated, drawn, and named for people."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import exp, log, prod
from random import Random

from pydantic import JsonValue

from models.specs.spaces import (
    FloatRange,
    FloatSpace,
    IntRange,
    IntSpace,
    Space,
    size_of,
    values_of,
)

Changes = Mapping[str, JsonValue]
Spaces = Mapping[str, Space]

# So many draws in a row of what is there already mean that little else is left.
MAX_MISSES = 100
# Few enough to be listed where a space is nearly used up.
MAX_ENUMERATED = 100_000


def points(spaces: Spaces) -> Iterator[Changes]:
    """Every combination; the last path varies fastest."""
    for values in product(*(values_of(space) for space in spaces.values())):
        yield dict(zip(spaces, values, strict=True))


def number_of_points(spaces: Spaces) -> int | None:
    """How many combinations there are; None where there are as many as one likes."""
    sizes = [size_of(space) for space in spaces.values()]
    known = [size for size in sizes if size is not None]
    return prod(known) if len(known) == len(sizes) else None


def draw(spaces: Spaces, random: Random) -> Changes:
    """One setting, each path drawn by itself, evenly over its space."""
    return {path: _drawn(space, random) for path, space in spaces.items()}


def distinct(
    spaces: Spaces, count: int, random: Random, besides: Iterable[Changes] = ()
) -> tuple[Changes, ...]:
    """`count` settings, no two alike and none of `besides`; fewer where there are no more."""
    taken = {key(changes) for changes in besides}
    found: list[Changes] = []
    misses = 0
    while len(found) < count and misses < MAX_MISSES:
        changes = draw(spaces, random)
        this = key(changes)
        misses = misses + 1 if this in taken else 0
        if not misses:
            taken.add(this)
            found.append(changes)
    if len(found) < count:
        found += _rest(spaces, count - len(found), random, taken)
    return tuple(found)


def _rest(spaces: Spaces, count: int, random: Random, taken: set[str]) -> list[Changes]:
    """From a space that is nearly used up, of what is left."""
    size = number_of_points(spaces)
    # What misses so often yet has so many points is a handful of them, drawn over and over.
    if size is None or size > MAX_ENUMERATED:
        return []
    left = [changes for changes in points(spaces) if key(changes) not in taken]
    return random.sample(left, min(count, len(left)))


def key(value: JsonValue | Changes) -> str:
    """One text for equal values, or for equal settings."""
    return json.dumps(value, sort_keys=True)


def _drawn(space: Space, random: Random) -> JsonValue:
    match space:
        case IntSpace(int=whole) if whole.count is None:
            return _whole(whole, random)
        case FloatSpace(float=real) if real.count is None:
            return _real(real, random)
        case _:
            return random.choice(values_of(space))


def _whole(span: IntRange, random: Random) -> int:
    if not span.log:
        return random.randrange(span.low, span.high + 1, span.step or 1)
    # Half a number more on both sides, so that rounding does not make the ends rarer.
    drawn = exp(random.uniform(log(span.low - 0.5), log(span.high + 0.5)))
    return min(max(round(drawn), span.low), span.high)


def _real(span: FloatRange, random: Random) -> float:
    if span.log:
        drawn = exp(random.uniform(log(span.low), log(span.high)))
    else:
        drawn = random.uniform(span.low, span.high)
    return span.nearest(drawn)


def names(spaces: Spaces) -> Mapping[str, str]:
    """What people call each path: its last part, and as many before it as tell it from others.

    A number alone says nothing, so "network.layers.0.units" beside layer 1's is "layers.0.units".
    """
    found: dict[str, str] = {}
    for path in spaces:
        parts = path.split(".")
        length = 1
        while length < len(parts) and (
            parts[-length].isdigit()
            or any(_ends_with(other, parts[-length:]) for other in spaces if other != path)
        ):
            length += 1
        found[path] = ".".join(parts[-length:])
    return found


def _ends_with(path: str, end: list[str]) -> bool:
    return path.split(".")[-len(end) :] == end


def shown(changes: Changes, called: Mapping[str, str]) -> dict[str, JsonValue]:
    """A setting as people read it."""
    return {called[path]: value for path, value in changes.items()}
