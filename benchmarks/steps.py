"""Runs one step of measuring after the other, as the command line asks, and prints the figures."""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rich.console import Console

from benchmarks.figures import Figure, show

Effort = Literal["quick", "whole"]
Measure = Callable[[Effort], list[Figure]]


def run(command: str, description: str | None, steps: Mapping[str, Measure]) -> None:
    """Run those that are asked for, in turn.

    Args:
        command: what was typed to get here.
        description: of all of it, for `--help`.
        steps: name -> what it measures.
    """
    parser = argparse.ArgumentParser(prog=command, description=description)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--only", nargs="+", choices=steps, default=list(steps), help="these steps")
    asked = parser.parse_args()
    effort: Effort = "quick" if asked.quick else "whole"
    console = Console(stderr=True)
    figures: list[Figure] = []
    for number, name in enumerate(asked.only, start=1):
        console.print(f"{number}/{len(asked.only)} {name} …")
        figures += steps[name](effort)
    show("epochd", figures)


@contextmanager
def folder() -> Iterator[Path]:
    """An empty one that is gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
