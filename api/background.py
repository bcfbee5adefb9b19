"""Threads that live as long as the API process does, such as the sweeper.

The API only starts and stops them; what they do, and who makes them, is not its business.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol


class Background(Protocol):
    """Something that works beside the requests."""

    def start(self) -> None:
        """Begin, without blocking."""

    def stop(self) -> None:
        """End, and return when it has ended."""


@contextmanager
def running(backgrounds: Sequence[Background]) -> Iterator[None]:
    """Start all in order and stop those that started in the opposite order."""
    started: list[Background] = []
    try:
        for background in backgrounds:
            background.start()
            started.append(background)
        yield
    finally:
        for background in reversed(started):
            background.stop()
