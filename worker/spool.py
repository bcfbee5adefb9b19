"""Epochs on their way into the database: gathered for a moment, kept while the database is away."""

import logging
import math
import time
from dataclasses import dataclass

from models.errors import StorageFull, Unavailable
from store import epochs
from store.database import Database
from store.epochs import EpochRecord
from store.fence import Lease
from worker.messages import Epoch

log = logging.getLogger(__name__)

# How soon a database that was away or full is tried again.
AWAY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An epoch that is not written yet, and when it ended on this process's own clock."""

    epoch: Epoch
    ended_at: float


class Spool:
    """The epochs of one attempt.

    The first one after a pause is written at once, so that it is seen at once; what follows within
    `seconds` of a write is written together, so that fast epochs share transactions.
    """

    def __init__(self, database: Database, lease: Lease, seconds: float) -> None:
        self._database = database
        self._lease = lease
        self._seconds = seconds
        self._waiting: list[_Waiting] = []
        self._due_at = 0.0

    def add(self, rows: tuple[Epoch, ...]) -> None:
        """Take epochs that have just ended."""
        self._waiting += [_Waiting(row, time.monotonic()) for row in rows]

    def due_in(self) -> float:
        """Seconds until `flush` has something to do."""
        return max(0.0, self._due_at - time.monotonic()) if self._waiting else math.inf

    def flush(self) -> None:
        """Write what waits, if it is time. A database that is away or full is tried again later.

        Raises:
            LeaseLost: the trial is another's now.
        """
        if self.due_in() != 0.0:
            return
        now = time.monotonic()
        try:
            with self._database.transaction() as tx:
                epochs.append(tx, self._lease, [_record(waiting, now) for waiting in self._waiting])
        except (Unavailable, StorageFull) as away:
            log.warning("%d epochs of %s wait: %s", len(self._waiting), self._lease, away)
            self._due_at = now + AWAY_SECONDS
        else:
            self._waiting.clear()
            self._due_at = now + self._seconds

    def rest(self) -> tuple[EpochRecord, ...]:
        """What still waits, for the transaction that ends the trial."""
        now = time.monotonic()
        return tuple(_record(waiting, now) for waiting in self._waiting)


def _record(waiting: _Waiting, now: float) -> EpochRecord:
    epoch = waiting.epoch
    return EpochRecord(
        epoch=epoch.epoch,
        metrics=epoch.metrics,
        learning_rate=epoch.learning_rate,
        seconds=epoch.seconds,
        age_seconds=now - waiting.ended_at,
    )
