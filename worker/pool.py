"""Celery's threads pool, told to ask for the next message as soon as a slot is free.

Celery's event loop learns from a process pool's pipes that a task is over. A thread tells it
nothing: with prefetching off, the loop then asks the broker again only at its next tick, up to a
second later, for every message. See docs/decisions/0001-celery-threads-pool.md.
"""

from collections.abc import Callable
from typing import Any

from celery.concurrency.thread import TaskPool


class WakingThreads(TaskPool):  # type: ignore[misc]
    """A thread a slot; the end of a task wakes the event loop."""

    _hub: Any = None

    def register_with_event_loop(self, hub: Any) -> None:
        """Remember whom to wake; Celery calls this when its loop starts, and after a reconnect."""
        self._hub = hub

    def on_apply(
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        callback: Callable[[Any], Any] | None = None,
        accept_callback: Callable[..., Any] | None = None,
        **options: Any,
    ) -> Any:
        """Run a task in a thread, as the threads pool does."""

        def over(result: Any) -> None:
            if callback is not None:
                callback(result)  # Celery counts the slot as free only from here on
            if self._hub is not None:
                self._hub.call_soon(_nothing)

        return super().on_apply(target, args, kwargs, over, accept_callback, **options)


def _nothing() -> None:
    """What the loop is woken for; its waking is all that matters."""
