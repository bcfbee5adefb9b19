"""Keeps one lease alive from a thread of its own, and brings back what the client wants.

Never from the training: a batch that takes minutes, an upload that hangs or a program that compiles
must not cost the lease. A database that is away costs nothing either: the training goes on, and the
fence decides later whether its results still count.
"""

import time
from types import TracebackType
from typing import Self

from models.errors import LeaseLost
from store import leases
from store.database import Database
from store.fence import Lease
from store.leases import Order
from worker.repeating import Repeating
from worker.timing import Timing


class Heartbeat:
    """A context manager: beats from its beginning to its end.

    Attributes:
        cancelled: the client wants the trial to stop.
        lost: the trial is another's now; nothing of this attempt counts any more.
    """

    def __init__(self, database: Database, lease: Lease, timing: Timing) -> None:
        self._database = database
        self._lease = lease
        self._timing = timing
        self._renew_at = time.monotonic() + timing.beat
        self._beating = Repeating(
            self._beat,
            every=timing.order,
            name=f"heartbeat of {lease.experiment_id}/{lease.number}",
        )
        self.cancelled = False
        self.lost = False

    def __enter__(self) -> Self:
        self._beating.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._beating.stop()

    def _beat(self) -> None:
        try:
            order = self._renew() if time.monotonic() >= self._renew_at else self._ask()
        except LeaseLost:
            self.lost = True
            raise
        self.cancelled = self.cancelled or order is Order.CANCEL

    def _renew(self) -> Order:
        with self._database.transaction() as tx:
            order = leases.renew(tx, self._lease, self._timing.lease)
        self._renew_at = time.monotonic() + self._timing.beat
        return order

    def _ask(self) -> Order:
        with self._database.snapshot() as tx:
            return leases.order(tx, self._lease)
