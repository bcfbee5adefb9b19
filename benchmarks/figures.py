"""What a benchmark prints: measured numbers beside their aims."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.table import Table

_MARKS = {True: "[green]met[/]", False: "[red]missed[/]", None: "[yellow]not measured[/]"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number beside its aim; `met` is None where it could not be measured.

    An empty aim is that of a number that is only told.
    """

    what: str
    measured: str
    aim: str
    met: bool | None

    @classmethod
    def missing(cls, what: str, why: str, aim: str) -> Self:
        """One that could not be measured here."""
        return cls(what, f"missing: {why}", aim, met=None)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def show(title: str, figures: Sequence[Figure]) -> None:
    """Print the table, and the same as JSON for keeping."""
    table = Table(title=title)
    for heading in ("what", "measured", "aim", ""):
        table.add_column(heading)
    for figure in figures:
        mark = _MARKS[figure.met] if figure.aim else ""
        table.add_row(figure.what, figure.measured, figure.aim, mark)
    Console(width=120).print(table)
    print(json.dumps({figure.what: figure.measured for figure in figures}, indent=1))
