"""Long polls: any number of requests wait for changes on one small query, ten times a second.

A waiting request holds neither a thread nor a database session, so a hundred of them do not keep
an ordinary request from being answered.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Query
from starlette.concurrency import run_in_threadpool

from models.errors import EpochdError

T = TypeVar("T")

Mark = Hashable
"""What tells one state of a thing from another: a version, or a state."""

# An epoch has to be visible half a second after it was written; a read and an answer follow this.
INTERVAL_SECONDS = 0.1

# Proxies commonly give up on a request that has been silent for 60 s.
MAX_WAIT_SECONDS = 30

Wait = Annotated[
    float,
    Query(ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for news before answering."),
]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What a request read.

    Attributes:
        mark: the state in which it was read; never newer than the value.
        enough: there is nothing to wait for.
    """

    value: T
    mark: Mark
    enough: bool


@dataclass(eq=False, slots=True)
class _Waiter:
    key: str
    mark: Mark
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Watcher:
    """Wakes requests when what they wait for has changed.

    Args:
        marks: reads the marks of some keys in one query; runs in a thread. A key that is gone has
            no mark.
    """

    def __init__(self, marks: Callable[[frozenset[str]], Mapping[str, Mark]]) -> None:
        self._marks = marks
        self._waiters: set[_Waiter] = set()
        self._watching: asyncio.Task[None] | None = None
        self._released = False

    def release(self) -> None:
        """Let all who wait go, now and from now on: the process is about to end.

        Safe to call from a signal handler and from any thread.
        """
        self._released = True

    @property
    def waiting(self) -> int:
        """How many requests wait at this moment."""
        return len(self._waiters)

    async def changed(self, key: str, mark: Mark, seconds: float) -> bool:
        """Wait until `key` has another mark; False when time is up or all were released."""
        waiter = _Waiter(key, mark)
        self._waiters.add(waiter)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            async with asyncio.timeout(seconds):
                await waiter.woken.wait()
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return not self._released

    async def _watch(self) -> None:
        # A thread of its own: those of the requests may all be busy.
        thread = CapacityLimiter(1)
        while self._waiters:
            keys = frozenset(waiter.key for waiter in self._waiters)
            try:
                marks = await to_thread.run_sync(self._marks, keys, limiter=thread)
            except EpochdError:
                # Whoever waits reads for itself now and reports what is wrong.
                _log.warning("cannot look for changes", exc_info=True)
                marks = {}
            for waiter in self._waiters:
                if self._released or marks.get(waiter.key) != waiter.mark:
                    waiter.woken.set()
            await asyncio.sleep(INTERVAL_SECONDS)


async def enough(watcher: Watcher, key: str, read: Callable[[], Seen[T]], seconds: float) -> T:
    """Read, in a thread, again after every change until it is enough or the seconds are over."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    seen = await run_in_threadpool(read)
    while not seen.enough and await watcher.changed(key, seen.mark, deadline - clock()):
        seen = await run_in_threadpool(read)
    return seen.value
