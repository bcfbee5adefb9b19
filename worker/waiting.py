"""Waits for an artifact store that is away or full, and stays attentive meanwhile.

What takes long or hangs runs in a thread of its own: a cancel, the end of the worker or a lost
lease must not wait for an upload.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from models.errors import ArtifactsUnavailable, LeaseLost, StorageFull
from worker.heartbeat import Heartbeat
from worker.messages import StopCause
from worker.timing import GLANCE_SECONDS

log = logging.getLogger(__name__)

# The first pause between two tries; each next one is twice as long, up to the longest.
PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 15.0

Result = TypeVar("Result")


def patiently(
    verb: Callable[[], Result], *, seconds: float, pause: Callable[[float], None]
) -> Result:
    """Do something with the artifact store; when it is away or full, again and again.

    Args:
        verb: what is done; safe to repeat.
        seconds: for how long.
        pause: waits so many seconds between two tries, or raises what ends the wait.

    Raises:
        StorageFull, ArtifactsUnavailable: it still is.
    """
    until = time.monotonic() + seconds
    length = PAUSE_SECONDS
    while True:
        try:
            return verb()
        except (StorageFull, ArtifactsUnavailable) as trouble:
            if time.monotonic() + length > until:
                raise
            log.warning("tried again in %g s: %s", length, trouble)
        pause(length)
        length = min(2 * length, MAX_PAUSE_SECONDS)


class Halted(Exception):
    """A wait came to an end because the attempt is to end.

    Attributes:
        reason: why.
    """

    def __init__(self, reason: StopCause) -> None:
        super().__init__(reason)
        self.reason = reason


class Waiting:
    """The waits of one attempt.

    Args:
        heart: of the attempt.
        drain: set when the worker is to end.
        seconds: how long a store that is away or full is tried.
        limit: seconds from now on that the trial may take, its fetches included.
    """

    def __init__(
        self, heart: Heartbeat, drain: threading.Event, seconds: float, limit: float
    ) -> None:
        self._time_out_at = time.monotonic() + limit
        self._heart = heart
        self._drain = drain
        self._seconds = seconds
        self._drain_seen_at: float | None = None

    def for_store(
        self, verb: Callable[[], Result], *, grace: float = 0.0, trained: bool = False
    ) -> Result:
        """Do something with the artifact store; when it is away or full, again and again.

        Args:
            verb: what is done; safe to repeat. When the wait is halted, a try that is under way is
                left to itself.
            grace: seconds that it may still take when the worker is to end.
            trained: the training is over, so that its time limit does not count any more.

        Raises:
            StorageFull, ArtifactsUnavailable: it still is.
            Halted: the attempt is to end.
            LeaseLost: the trial is another's now.
        """
        return patiently(
            lambda: self._attentively(verb, grace, trained=trained),
            seconds=self._seconds,
            pause=lambda seconds: self._pause(seconds, grace, trained=trained),
        )

    def _attentively(self, verb: Callable[[], Result], grace: float, *, trained: bool) -> Result:
        done: Future[Result] = Future()

        def run() -> None:
            try:
                done.set_result(verb())
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                done.set_exception(error)

        threading.Thread(target=run, name="artifacts", daemon=True).start()
        while not wait([done], GLANCE_SECONDS).done:
            self._heed(grace, trained=trained)
        return done.result()

    def _pause(self, seconds: float, grace: float, *, trained: bool) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._heed(grace, trained=trained)
            time.sleep(min(GLANCE_SECONDS, left))

    def _heed(self, grace: float, *, trained: bool) -> None:
        if self._heart.lost:
            raise LeaseLost
        if self._heart.cancelled:
            raise Halted(StopCause.CANCEL)
        if not trained and time.monotonic() > self._time_out_at:
            raise Halted(StopCause.TIMEOUT)
        if self._drain.is_set():
            now = time.monotonic()
            if self._drain_seen_at is None:
                self._drain_seen_at = now
            if now >= self._drain_seen_at + grace:
                raise Halted(StopCause.DRAIN)
