"""Picks up what was dropped: trials of dead workers, work that nobody was told of, old answers.

Runs in every api and worker process. Several at once are no matter: each step is a guarded UPDATE,
and whoever is second finds nothing to do.
"""

import logging
import time

from models.errors import StorageFull, Unavailable
from store import experiments, idempotency, ingest, leases, queue, workers
from store.database import Database
from store.doorbell import Doorbell, Task
from worker.advance import advance
from worker.repeating import Repeating
from worker.timing import Timing

log = logging.getLogger(__name__)

# Old answers and silent workers are not urgent.
TIDY_SECONDS = 60.0
# A worker that has been silent for so many leases is not coming back under its name.
SILENT_LEASES = 10
# So often a dataset may take its reader down before it is given up.
MAX_READS = 3


class Sweeper:
    """Sweeps from `start` to `stop`.

    After its own start and after every failure of the database it waits one lease before it takes
    anything away: workers that could not renew meanwhile get the time to do so.
    """

    def __init__(self, *, database: Database, doorbell: Doorbell, timing: Timing) -> None:
        self._database = database
        self._doorbell = doorbell
        self._timing = timing
        self._reclaim_at = time.monotonic() + timing.lease
        self._tidy_at = time.monotonic()
        self._repeating = Repeating(self.sweep, every=timing.sweep, name="sweeper")

    def start(self) -> None:
        """Begin to sweep, in a thread of its own."""
        self._repeating.start()

    def stop(self) -> None:
        """End; waits for a sweep that is under way."""
        self._repeating.stop()

    def sweep(self) -> None:
        """One round.

        Raises:
            Unavailable, StorageFull: the database is away or full, so no worker could renew.
        """
        try:
            if time.monotonic() >= self._reclaim_at:
                self._reclaim()
            self._advance()
            self._ring()
            if time.monotonic() >= self._tidy_at:
                self._tidy()
        except (Unavailable, StorageFull):
            self._reclaim_at = time.monotonic() + self._timing.lease
            raise

    def _reclaim(self) -> None:
        """Take trials and datasets back from workers that are silent."""
        with self._database.transaction() as tx:
            leases.expire(tx, lease_seconds=self._timing.lease)
        with self._database.transaction() as tx:
            ingest.expire(tx, MAX_READS)

    def _advance(self) -> None:
        """Take the step that whoever ended a trial did not take."""
        with self._database.snapshot() as tx:
            missed = experiments.unadvanced(tx)
        for experiment_id in missed:
            try:
                with self._database.transaction() as tx:
                    advance(tx, experiment_id)
            except Unavailable:
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
