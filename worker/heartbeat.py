"""Keeps all leases of a process alive from one thread, and brings back what their clients want.

Never from a training: a batch that takes minutes, an upload that hangs or a program that compiles
must not cost the lease. A database that is away costs nothing either: the trainings go on, and the
fence decides later whether their results still count.
"""

import threading
import time
from collections.abc import Mapping
from typing import Self

from store import leases
from store.database import Database
from store.fence import Lease
from store.leases import Order
from worker.repeating import Repeating
from worker.timing import Timing


class Heart:
    """Beats for as many leases as it is given, in a thread that runs while there are any.

    One statement renews them all, and one read asks what is to be done with them: what a hundred
    trials cost is hardly more than what one does.
    """

    def __init__(self, database: Database, timing: Timing) -> None:
        self._database = database
        self._timing = timing
        self._lock = threading.Lock()
        self._kept: dict[Lease, Heartbeat] = {}
        self._beating: Repeating | None = None
        self._renew_at = 0.0

    def heartbeat(self, lease: Lease) -> "Heartbeat":
        """The heartbeat of a lease, which has not begun yet."""
        return Heartbeat(self, lease)

    def begin(self, beat: "Heartbeat") -> None:
        """Keep its lease from now on.

        Raises:
            RuntimeError: the process may have no more threads; nothing is kept then.
        """
        with self._lock:
            if self._beating is None:
                self._renew_at = time.monotonic() + self._timing.beat
                beating = Repeating(self._beat, every=self._timing.order, name="heart")
                beating.start()
                self._beating = beating
            self._kept[beat.lease] = beat

    def end(self, beat: "Heartbeat") -> None:
        """Keep its lease no longer. Waits for nothing, also when the database does not answer."""
        with self._lock:
            self._kept.pop(beat.lease, None)
            if not self._kept and self._beating is not None:
                self._beating.stop(wait=False)
                self._beating = None

    def _beat(self) -> None:
        with self._lock:
            kept = {lease: beat for lease, beat in self._kept.items() if not beat.lost}
        if not kept:
            return
        if time.monotonic() >= self._renew_at:
            self._renew(kept)
        self._ask(kept)

    def _renew(self, kept: Mapping[Lease, "Heartbeat"]) -> None:
        with self._database.transaction() as tx:
            renewed = leases.renew(tx, kept.keys(), self._timing.lease)
        if len(renewed) == len(kept):  # otherwise again at the next beat
            self._renew_at = time.monotonic() + self._timing.beat

    def _ask(self, kept: Mapping[Lease, "Heartbeat"]) -> None:
        with self._database.snapshot() as tx:
            orders = leases.orders(tx, kept.keys())
        for lease, beat in kept.items():
            order = orders.get(lease)
            beat.lost = beat.lost or order is None
            beat.cancelled = beat.cancelled or order is Order.CANCEL


class Heartbeat:
    """What one attempt sees of the heart: a context manager, kept from its beginning to its end.

    Attributes:
        lease: that is kept.
        cancelled: the client wants the trial to stop.
        lost: the trial is another's now; nothing of this attempt counts any more.
    """

    def __init__(self, heart: Heart, lease: Lease) -> None:
        self._heart = heart
        self.lease = lease
        self.cancelled = False
        self.lost = False

    def __enter__(self) -> Self:
        self._heart.begin(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._heart.end(self)
