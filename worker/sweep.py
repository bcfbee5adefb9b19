"""Picks up what was dropped: trials of dead workers, work that nobody was told of, old answers.

Runs in every api and worker process. Several at once are no matter: each step is a guarded UPDATE,
and whoever is second finds nothing to do.
"""

import logging
import time
from datetime import datetime

from models.errors import StorageFull, Unavailable
from store import clock, idempotency, ingest, leases, queue, searches, workers
from store.database import Database
from store.doorbell import Doorbell, Task
from worker.advance import advance
from worker.grace import GracePeriod
from worker.repeating import Repeating
from worker.timing import Timing

log = logging.getLogger(__name__)

# Old answers and silent workers are not urgent.
TIDY_SECONDS = 60.0
# A worker that has been silent for so many leases is not coming back under its name.
SILENT_LEASES = 10
# So often a dataset may take its reader down before it is given up.
MAX_READS = 3
# At least so many rounds a lease: what disturbs the database must not go unnoticed between two.
ROUNDS_A_LEASE = 6


class Sweeper:
    """Sweeps from `start` to `stop`.

    After its own start and after whatever kept workers from renewing - a database that failed or
    did not answer, a machine that slept, a clock that was set - it waits one lease before it takes
    anything away. What it takes was overdue at a moment when the database was seen to be awake.
    """

    def __init__(self, *, database: Database, doorbell: Doorbell, timing: Timing) -> None:
        self._database = database
        self._doorbell = doorbell
        self._timing = timing
        self._grace = GracePeriod(timing.lease)
        self._tidy_at = time.monotonic()
        every = min(timing.sweep, timing.lease / ROUNDS_A_LEASE)
        self._repeating = Repeating(self.sweep, every=every, name="sweeper")

    def start(self) -> None:
        """Begin to sweep, in a thread of its own."""
        self._repeating.start()

    def stop(self) -> None:
        """End; waits a while for a sweep that is under way."""
        self._repeating.stop()

    def sweep(self) -> None:
        """One round.

        Raises:
            Unavailable, StorageFull: the database is away or full, so no worker could renew.
        """
        try:
            seen = self._look()
            if seen is not None:
                self._reclaim(seen)
            self._advance()
            self._ring()
            if time.monotonic() >= self._tidy_at:
                self._tidy()
        except (Unavailable, StorageFull):
            self._grace.restart()
            raise

    def _look(self) -> datetime | None:
        """The database's time, or None as long as nobody may be taken for dead.

        What is overdue by that time was so before a later statement could hang.
        """
        asked_at = time.monotonic()
        with self._database.snapshot() as tx:
            seen = clock.read(tx)
        self._grace.answered(seen, asked_at=asked_at)
        return seen if self._grace.may_judge() else None

    def _reclaim(self, seen: datetime) -> None:
        """Take trials and datasets back from workers that were silent for too long at that time."""
        with self._database.transaction() as tx:
            expired = leases.expire(tx, before=seen, lease_seconds=self._timing.lease)
        for lost in expired:
            log.warning(
                "trial %d of %s is %s: %s, which held attempt %d, was silent for too long",
                lost.number,
                lost.experiment_id,
                lost.state,
                lost.worker,
                lost.attempt,
            )
        with self._database.transaction() as tx:
            ingest.expire(tx, MAX_READS, before=seen)

    def _advance(self) -> None:
        """Take the step that whoever ended a trial did not take."""
        with self._database.snapshot() as tx:
            missed = searches.unadvanced(tx)
        for experiment_id in missed:
            try:
                with self._database.transaction() as tx:
                    advance(tx, experiment_id)
            except (Unavailable, StorageFull):
                raise
            except Exception:  # one experiment must not hold up the others
                log.exception("%s cannot be advanced", experiment_id)

    def _ring(self) -> None:
        """Ring again for what nobody took."""
        ring_for_trials(self._database, self._doorbell, self._timing, silent=self._timing.ring)
        with self._database.transaction() as tx:
            unread = ingest.unread(tx, self._timing.ring)
        for dataset_id in unread:
            self._doorbell.ring_control(Task.INGEST, dataset_id)

    def _tidy(self) -> None:
        with self._database.transaction() as tx:
            idempotency.forget_older(tx)
            workers.forget_silent(tx, SILENT_LEASES * self._timing.lease)
        self._tidy_at = time.monotonic() + TIDY_SECONDS


def ring_for_trials(
    database: Database, doorbell: Doorbell, timing: Timing, *, silent: float
) -> None:
    """Ring for trials that could be trained, where the bell has been silent for so many seconds."""
    with database.transaction() as tx:
        waiting = queue.unrung(tx, silent, timing.lease)
    for trials in waiting:
        doorbell.ring_train(trials.device, trials.count)
