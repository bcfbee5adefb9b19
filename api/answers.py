"""Remembers finished answers, so that a poll that finds nothing new costs one small query.

An answer is kept under everything it depends on, the experiment's version included. The version
rises with every visible change, so an answer under it can never be out of date, only unused.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer.

    Attributes:
        body: JSON.
        enough: a client that waits for news has them with this.
    """

    body: bytes
    enough: bool


class Answers:
    """The answers used last, up to a number of bytes; shared by all threads of a process.

    Args:
        limit_bytes: of all answers together.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._size = 0
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer under a key, made when it is not kept.

        Two threads may make the same answer at once; it is the same answer.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        self._keep(key, made)
        return made

    def _keep(self, key: Hashable, made: Answer) -> None:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._size += len(made.body)
            while self._size > self._limit:
                _, oldest = self._kept.popitem(last=False)
                self._size -= len(oldest.body)
