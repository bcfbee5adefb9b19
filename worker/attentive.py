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

from models.errors import ArtifactsUnavailable, StorageFull

log = logging.getLogger(__name__)

GLANCE_SECONDS = 0.1
# The first pause between two tries; each next one is twice as long, up to the longest.
PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 15.0

Result = TypeVar("Result")


def patiently(verb: Callable[[], Result], *, seconds: float, heed: Callable[[], None]) -> Result:
    """Do something with the artifact store; when it is away or full, again and again.

    Args:
        verb: what is done; safe to repeat.
        seconds: how long it is tried.
        heed: called all the time; what it raises ends the waiting, and a try that is under way is
            left to itself.

    Raises:
        StorageFull, ArtifactsUnavailable: it still is.
    """
    until = time.monotonic() + seconds
    pause = PAUSE_SECONDS
    while True:
        try:
            return _attentively(verb, heed)
        except (StorageFull, ArtifactsUnavailable) as trouble:
            if time.monotonic() + pause > until:
                raise
            log.warning("tried again in %g s: %s", pause, trouble)
        _pause(pause, heed)
        pause = min(2 * pause, MAX_PAUSE_SECONDS)


def _attentively(verb: Callable[[], Result], heed: Callable[[], None]) -> Result:
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(verb())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            done.set_exception(error)

    threading.Thread(target=run, name="artifacts", daemon=True).start()
    while not wait([done], GLANCE_SECONDS).done:
        heed()
    return done.result()


def _pause(seconds: float, heed: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        heed()
        time.sleep(min(GLANCE_SECONDS, left))
