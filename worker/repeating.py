"""Something done every so many seconds, in a thread of its own: beats, reports, sweeps, renewals.

Only `stop` ends it. A database that is away or full is no reason to, and neither is a mistake of
ours: all are logged, an outage once at its beginning and once at its end, and the next time may be
better.
"""

import logging
import threading
from collections.abc import Callable
from typing import Self

from models.errors import StorageFull, Unavailable

log = logging.getLogger(__name__)

# An action may hang, say on a locked database; its thread is left behind then.
STOP_SECONDS = 5.0


class Repeating:
    """A context manager; or `start` and `stop`.

    Args:
        action: what is done; it may call `stop(wait=False)` when it is done for good.
        every: seconds from one end to the next begin, and before the first.
        name: of the thread, for logs.
    """

    def __init__(self, action: Callable[[], None], *, every: float, name: str) -> None:
        self._action = action
        self._every = every
        self._over = threading.Event()
        self._away = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """End; waits a while for an action that is under way unless told not to. Safe to repeat."""
        self._over.set()
        if wait and self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._over.wait(self._every):
            try:
                self._action()
            except (Unavailable, StorageFull) as error:
                self._note(away=error)
            except Exception:
                log.exception("%s", self._thread.name)
            else:
                self._note(away=None)

    def _note(self, *, away: Unavailable | StorageFull | None) -> None:
        if away is not None and not self._away:
            log.warning("%s: %s", self._thread.name, away)
        elif away is None and self._away:
            log.warning("%s: it works again", self._thread.name)
        self._away = away is not None
