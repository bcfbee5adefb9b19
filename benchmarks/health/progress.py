"""Says on the terminal how far the benchmark is."""

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console

WORD_SECONDS = 10.0

_CONSOLE = Console(stderr=True)

Each = TypeVar("Each")


def counted(what: str, each: Sequence[Each]) -> Iterator[Each]:
    """Say how far it is, now and then."""
    said = time.monotonic()
    for number, one in enumerate(each, start=1):
        yield one
        if time.monotonic() - said >= WORD_SECONDS or number == len(each):
            said = time.monotonic()
            _CONSOLE.print(f"  {number} of {len(each)} {what}")
