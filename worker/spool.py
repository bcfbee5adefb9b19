"""What an attempt has to write, on its way into the database.

Gathered for a moment, and kept while the database is away: a training waits for no transaction.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.errors import StorageFull, Unavailable
from models.measurements import Measurement
from store import checkpoints, epochs, failpoints, measurements
from store.database import Database
from store.epochs import EpochRecord
from store.fence import Lease
from worker.carrier import Carrier
from worker.messages import Epoch
from worker.timing import AWAY_SECONDS

log = logging.getLogger(__name__)


Note = Callable[[Session], Sequence[str]]
"""Something to be written; the keys of the files that no row names any more then."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An epoch that is not written yet, and when it ended on this process's own clock."""

    epoch: Epoch
    ended_at: float


class Spool:
    """The notes, epochs, measurements and checkpoints of one attempt.

    The first epoch after a pause is written at once, so that it is seen at once; what follows
    within `seconds` of a write is written together, so that fast epochs share transactions. A
    stored checkpoint is registered with the epochs that wait, so never before its own.

    Args:
        database: of the service.
        lease: under which everything is written.
        carrier: brings the stored checkpoints, and is told when they are registered.
        seconds: the least between two writes.

    Attributes:
        last: the last epoch that it was given; 0 before the first.
        written: the last epoch that is in the database; 0 before the first.
    """

    def __init__(self, database: Database, lease: Lease, carrier: Carrier, seconds: float) -> None:
        self._database = database
        self._lease = lease
        self._carrier = carrier
        self._seconds = seconds
        self._notes: list[Note] = []
        self._waiting: list[_Waiting] = []
        self._measured: list[Measurement] = []
        self._due_at = 0.0
        self._away = False
        self.last = 0
        self.written = 0

    def add(self, rows: tuple[Epoch, ...]) -> None:
        """Take epochs that have just ended."""
        for row in rows:
            self._waiting.append(_Waiting(row, time.monotonic()))
            self.last = row.epoch

    def measure(self, rows: tuple[Measurement, ...]) -> None:
        """Take what was measured after epochs, or before the first."""
        self._measured += rows

    def note(self, note: Note) -> None:
        """Take something else that is to be written, before the epochs that come after it."""
        self._notes.append(note)

    def due_in(self) -> float:
        """Seconds until `flush` has something to do."""
        if self._waiting or self._measured or self._notes or self._carrier.carried:
            return max(0.0, self._due_at - time.monotonic())
        return math.inf

    def flush(self, *, at_once: bool = False) -> None:
        """Write what waits, if it is time. A database that is away or full is tried again later.

        Raises:
            LeaseLost: the trial is another's now.
        """
        if self.due_in() and not at_once:
            return
        now = time.monotonic()
        try:
            self.write()
        except (Unavailable, StorageFull) as away:
            if not self._away:
                log.warning("epochs of %s wait: %s", self._lease, away)
            self._away = True
            self._due_at = time.monotonic() + AWAY_SECONDS  # a try may take long itself
        else:
            if self._away:
                log.warning("the epochs of %s that waited are written", self._lease)
            self._away = False
            self._due_at = now + self._seconds

    def write(self) -> None:
        """Write what waits.

        Raises:
            LeaseLost: the trial is another's now.
            Unavailable, StorageFull: the database is away or full; everything waits still.
        """
        if self.due_in() < math.inf:
            with self.transaction():
                pass

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction that has written all that waits; once it is committed, nothing waits.

        Raises:
            LeaseLost: the trial is another's now.
            Unavailable, StorageFull: the database is away or full; everything waits still.
        """
        carried = self._carrier.carried
        superfluous: list[str] = []
        with self._database.transaction() as tx:
            for note in self._notes:
                superfluous += note(tx)
            epochs.append(tx, self._lease, self._records())
            measurements.append(tx, self._lease, self._measured)
            if carried is not None:
                superfluous += checkpoints.register(tx, self._lease, carried.epoch, carried.stored)
            yield tx
        self._notes.clear()
        self._waiting.clear()
        self._measured.clear()
        self.written = self.last
        if carried is not None:
            failpoints.reach(failpoints.Place.CHECKPOINT_COMMITTED)
            self._carrier.registered()
        self._carrier.remove(superfluous)

    def _records(self) -> tuple[EpochRecord, ...]:
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
