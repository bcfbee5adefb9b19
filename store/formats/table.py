"""What every reader of tables hands on: typed columns under names, and what was noticed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from models.errors import Unreadable
from models.profile import Warned

# As many as a spec can name as predictors, and the target.
MAX_COLUMNS = 10_000
# The longest target that a spec can name.
MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was read.

    Attributes:
        frame: its columns are Int64, Float64, Boolean or String; a missing cell is null; every
            number is finite, also as a 32-bit float.
        warnings: what a reader decided that a person should know.
    """

    frame: pl.DataFrame
    warnings: tuple[Warned, ...] = ()


def column_names(header: Sequence[str], line: int | None) -> list[str]:
    """The names that a header gives; an empty one (a data frame's index) becomes column_<n>.

    Raises:
        Unreadable: one column only, too many, two of one name, or a name too long.
    """
    names = [name.strip() or f"column_{index + 1}" for index, name in enumerate(header)]
    if len(names) < 2:  # noqa: PLR2004 -- a target and something to predict it from
        raise Unreadable(
            "The table has one column; there must be a target and something to predict it from. "
            "Columns are separated by comma, semicolon, tab, | or space.",
            line,
        )
    if len(names) > MAX_COLUMNS:
        raise Unreadable(f"The table has {len(names)} columns; {MAX_COLUMNS} are the most.", line)
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise Unreadable(f"{times} columns are named {name!r}; each needs a name of its own.", line)
    longest = max(names, key=len)
    if len(longest) > MAX_NAME_CHARACTERS:
        raise Unreadable(
            f"A column's name has {len(longest)} characters ({longest[:30]!r}…); "
            f"{MAX_NAME_CHARACTERS} are the most.",
            line,
        )
    return names
