"""What a searched path may become: a list of values, or a range of whole or of real numbers.

    "fit.batch_size": [16, 32, 64]
    "network.layers.0.units": {"int": {"low": 16, "high": 256, "log": true, "count": 5}}
    "compile.optimizer.learning_rate": {"float": {"low": 1e-4, "high": 0.1, "log": true}}

Whether the values fit their path is not known here: `models.search_meaning` asks the spec.
"""

import json
from functools import cached_property
from math import floor, log10
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, JsonValue, Tag, model_validator
from pydantic_core import PydanticCustomError

from models.specs.base import Spec
from models.specs.numbers import Flag, Number

# More values than this for one path are a range.
MAX_VALUES = 1000
# Beyond it whole numbers and floats are no longer the same.
MAX_INTEGER = 2**53

# Beyond it no number means anything here, and the ratio of two of them is no longer finite.
MAX_NUMBER = 1e100

# People read drawn and spaced numbers.
_DIGITS = 3


def _all_differ(values: tuple[JsonValue, ...]) -> tuple[JsonValue, ...]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        written = json.dumps(value, sort_keys=True)
        if written in seen:
            raise PydanticCustomError(
                "duplicate_value", "Each value may be listed once.", {"at": (index,)}
            )
        seen.add(written)
    return values


Values = Annotated[
    tuple[JsonValue, ...],
    Field(min_length=1, max_length=MAX_VALUES),
    AfterValidator(_all_differ),
]


class _Range(Spec):
    """What both kinds of range have in common."""

    low: Any
    high: Any
    log: Flag = False
    """Even on a logarithmic scale: as many between 1 and 10 as between 10 and 100."""
    count: Annotated[int, Field(strict=True, ge=2, le=MAX_VALUES)] | None = None
    """Only so many values of the range, evenly spaced, both ends included."""

    @model_validator(mode="after")
    def _low_below_high(self) -> "_Range":
        if self.low >= self.high:
            raise PydanticCustomError("out_of_range", "low must be below high.", {"at": ("low",)})
        if self.log and self.low <= 0:
            raise PydanticCustomError(
                "out_of_range",
                "On a logarithmic scale low must be above 0.",
                {"at": ("low",)},
            )
        if self.log and self.low < 1 / MAX_NUMBER:
            raise PydanticCustomError(
                "out_of_range",
                "On a logarithmic scale low must be at least {least}.",
                {"at": ("low",), "least": f"{1 / MAX_NUMBER:g}"},
            )
        return self

    def _spaced(self, count: int) -> tuple[float, ...]:
        """`count` numbers from low to high, with a constant difference or a constant ratio."""
        parts = [index / (count - 1) for index in range(1, count - 1)]
        if self.log:
            inner = [self.low * (self.high / self.low) ** part for part in parts]
        else:
            inner = [self.low + (self.high - self.low) * part for part in parts]
        return (self.low, *inner, self.high)


class IntRange(_Range):
    """Whole numbers from low to high, both included."""

    low: Annotated[int, Field(strict=True, ge=-MAX_INTEGER, le=MAX_INTEGER)]
    high: Annotated[int, Field(strict=True, ge=-MAX_INTEGER, le=MAX_INTEGER)]
    step: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Only every so many-th of them, from low on; 1 when left out."""

    @model_validator(mode="after")
    def _one_spacing(self) -> "IntRange":
        for name, given in (("log", self.log), ("count", self.count is not None)):
            if self.step is not None and given:
                raise PydanticCustomError(
                    "contradiction", f"Give either step or {name}.", {"at": ("step",)}
                )
        return self

    @cached_property
    def size(self) -> int:
        """How many values there are."""
        if self.count is not None:
            return len(self.values)
        return (self.high - self.low) // (self.step or 1) + 1

    @cached_property
    def values(self) -> tuple[int, ...]:
        """All of them, rising. May be very many: ask `size` first."""
        if self.count is None:
            return tuple(range(self.low, self.high + 1, self.step or 1))
        return tuple(dict.fromkeys(round(value) for value in self._spaced(self.count)))


class FloatRange(_Range):
    """Numbers from low to high, both included."""

    low: Annotated[Number, Field(ge=-MAX_NUMBER, le=MAX_NUMBER)]
    high: Annotated[Number, Field(ge=-MAX_NUMBER, le=MAX_NUMBER)]

    @cached_property
    def size(self) -> int | None:
        """How many values there are; None where there are as many as one likes."""
        return None if self.count is None else len(self.values)

    @cached_property
    def values(self) -> tuple[float, ...]:
        """The `count` of them, rising, the inner ones with three digits.

        Raises:
            ValueError: there is no count.
        """
        if self.count is None:
            raise ValueError("there is no end to the values of a range without a count")
        low, *inner, high = self._spaced(self.count)
        return tuple(dict.fromkeys((low, *map(self.nearest, inner), high)))

    def nearest(self, value: float) -> float:
        """A number of the range as people would write it: with three digits where that will do.

        Between 0.99 and 0.991 it takes more, to tell a thousandth of the range.
        """
        decimals = _DIGITS - floor(log10(self.high - self.low))
        if self.log:
            decimals = max(decimals, _DIGITS - 1 - floor(log10(value)))
        return min(max(round(value, decimals), self.low), self.high)


class ChoiceSpace(Spec):
    """One of these values; a plain list says the same."""

    choice: Values


class IntSpace(Spec):
    """A whole number."""

    int: IntRange


class FloatSpace(Spec):
    """A number."""

    float: FloatRange


def _kind(given: object) -> str | None:
    """Tell the spaces apart. The tags appear in error locations, hence their blanks."""
    if isinstance(given, list | tuple):
        return "a list"
    for name, space in (("choice", ChoiceSpace), ("int", IntSpace), ("float", FloatSpace)):
        if isinstance(given, space) or (isinstance(given, dict) and name in given):
            return f"a space: {name}"
    return None


Space = Annotated[
    Annotated[Values, Tag("a list")]
    | Annotated[ChoiceSpace, Tag("a space: choice")]
    | Annotated[IntSpace, Tag("a space: int")]
    | Annotated[FloatSpace, Tag("a space: float")],
    Discriminator(
        _kind,
        custom_error_type="unknown_space",
        custom_error_message=(
            'Give a list of values, {"choice": […]}, {"int": {"low": …, "high": …}} '
            'or {"float": {"low": …, "high": …}}.'
        ),
    ),
]


def size_of(space: Space) -> int | None:
    """How many values a path may take; None where there are as many as one likes."""
    match space:
        case IntSpace():
            return space.int.size
        case FloatSpace():
            return space.float.size
        case ChoiceSpace():
            return len(space.choice)
        case _:
            return len(space)


def values_of(space: Space) -> tuple[JsonValue, ...]:
    """All values of a space that has an end; ask `size_of` first.

    Raises:
        ValueError: it has none.
    """
    match space:
        case IntSpace():
            return space.int.values
        case FloatSpace():
            return space.float.values
        case ChoiceSpace():
            return space.choice
        case _:
            return space
