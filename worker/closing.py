"""Writes how an attempt ended, in one transaction with what follows from it for its experiment.

However long that takes: a result is not given up because the database is away for a while.
"""

import logging
import math
import threading
import time
from collections.abc import Callable

from sqlalchemy.orm import Session

from models.errors import StorageFull, Unavailable
from models.lifecycle import State
from store import checkpoints
from store.fence import Lease
from worker.advance import advance
from worker.checkpoints import Carrier
from worker.spool import Spool
from worker.timing import Timing

log = logging.getLogger(__name__)

# A database that is away or full when a trial ends is tried again so often.
AWAY_SECONDS = 1.0


class Closing:
    """The last transaction of an attempt.

    Args:
        lease: of the attempt.
        spool: what still waits to be written.
        carrier: removes the checkpoints of a trial that is over.
        drain: set when the worker is to end.
        timing: how long a worker that is to end waits for the database.
    """

    def __init__(
        self,
        *,
        lease: Lease,
        spool: Spool,
        carrier: Carrier,
        drain: threading.Event,
        timing: Timing,
    ) -> None:
        self._lease = lease
        self._spool = spool
        self._carrier = carrier
        self._drain = drain
        self._timing = timing

    def insist(self, verb: Callable[[Session], State]) -> int:
        """Write the end that a verb of `leases` writes, and take the experiment a step on.

        Only a worker that is to end gives up on a database that stays away: then the lease runs
        out, and whoever sweeps gives the trial to another.

        Returns:
            How many trials came into the queue by it.

        Raises:
            LeaseLost: the trial is another's now.
        """
        patience = math.inf
        while True:
            try:
                return self._write(verb)
            except (Unavailable, StorageFull) as away:
                if self._drain.is_set():
                    patience = min(patience, time.monotonic() + self._timing.away)
                if time.monotonic() >= patience:
                    log.error("the end of %s is lost: %s", self._lease, away)  # noqa: TRY400 - expected
                    return 0
                log.warning("the end of %s waits: %s", self._lease, away)
                time.sleep(AWAY_SECONDS)

    def _write(self, verb: Callable[[Session], State]) -> int:
        with self._spool.transaction() as tx:
            left = [checkpoint.key for checkpoint in checkpoints.of(tx, self._lease)]
            state = verb(tx)
            queued = self._step(tx) if state.is_terminal else 1
        self._carrier.dismiss()
        if state.is_terminal:  # their rows went with the move
            self._carrier.remove(left)
        return queued

    def _step(self, tx: Session) -> int:
        """What follows from the end. If that fails, the end stands, and the sweeper tries again."""
        try:
            with tx.begin_nested():
                return advance(tx, self._lease.experiment_id)
        except Exception:
            log.exception("%s cannot be advanced", self._lease.experiment_id)
            return 0
