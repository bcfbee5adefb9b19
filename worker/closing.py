"""Writes how an attempt ended, in one transaction with what follows from it for its experiment.

However long that takes: a result is not given up because the database is away for a while.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from pydantic import JsonValue
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from models.errors import StorageFull, Unavailable
from models.findings import Judgement
from models.lifecycle import JUDGED, State, StopReason
from store import checkpoints, failpoints, leases
from store.claims import Claim
from store.outcomes import Cancelled, Outcome, RowLosses, Succeeded
from worker import messages
from worker.advance import advance
from worker.carrier import Carrier
from worker.endings import Crashed, Ended, Exhausted, Refused, Trained, failure
from worker.judging import Judging
from worker.messages import StopCause, Stopped
from worker.spool import Spool
from worker.timing import AWAY_SECONDS, Timing

log = logging.getLogger(__name__)


class Closing:
    """The last transaction of an attempt.

    Args:
        claim: of the trial.
        spool: what still waits to be written.
        carrier: stores the newest checkpoint still, and removes those of a trial that is over.
        judging: of its training.
        drain: set when the worker is to end.
        timing: how long a worker that is to end waits for the database.
    """

    def __init__(
        self,
        *,
        claim: Claim,
        spool: Spool,
        carrier: Carrier,
        judging: Judging,
        drain: threading.Event,
        timing: Timing,
    ) -> None:
        self._lease = claim.lease
        self._max_seconds = claim.spec.limits.max_seconds
        self._spool = spool
        self._carrier = carrier
        self._judging = judging
        self._drain = drain
        self._timing = timing

    def close(
        self,
        ended: Ended,
        *,
        engine: Mapping[str, JsonValue] | None,
        resumed: int,
        pruned: str | None = None,
    ) -> int:
        """Write how the attempt ended, and take the experiment a step on.

        Only a worker that is to end gives up on a database that stays away: then the lease runs
        out, and whoever sweeps gives the trial to another.

        Args:
            ended: how.
            engine: how it was trained, as far as is known.
            resumed: the last epoch before this attempt's own.
            pruned: why it was told to make an end, if it was.

        Returns:
            How many trials came into the queue by it.

        Raises:
            LeaseLost: the trial is another's now.
        """
        lease = self._lease
        match ended:
            case Trained():
                return self._finish(_success(ended, engine, pruned), resumed)
            case Crashed() | messages.Failed(passing=True):
                self._save_progress()
                failed = failure(ended, max_seconds=self._max_seconds, engine=engine)
                return self._insist(
                    lambda: self._write(lambda tx: leases.crashed(tx, lease, failed))
                )
            case messages.Failed() | Refused() | Exhausted() | Stopped(reason=StopCause.TIMEOUT):
                failed = failure(ended, max_seconds=self._max_seconds, engine=engine)
                return self._finish(failed, resumed)
            case Stopped(reason=StopCause.CANCEL):
                return self._finish(Cancelled(), resumed)
            case Stopped():
                self._save_progress()
                reason = "Its worker was told to end."
                return self._insist(
                    lambda: self._write(lambda tx: leases.release(tx, lease, reason))
                )

    def _finish(self, outcome: Outcome, resumed: int) -> int:
        """End the trial, with what its training is found to be."""

        def end() -> int:
            judged = self._judged(outcome, resumed)
            return self._write(lambda tx: leases.finish(tx, self._lease, judged, resumed=resumed))

        return self._insist(end)

    def _judged(self, outcome: Outcome, resumed: int) -> Outcome:
        """An outcome with the judgement on it, where there is a training to judge.

        It says more than the trainer's own findings, which stand where nothing could be judged.
        """
        if isinstance(outcome, Cancelled) or outcome.stop_reason not in JUDGED:
            return outcome
        self._spool.write()  # a training is judged by all of it, or not yet
        judgement = self._judging.judgement(outcome.stop_reason, resumed)
        failpoints.reach(failpoints.Place.JUDGED)
        return replace(outcome, judgement=judgement) if judgement.checks else outcome

    def _save_progress(self) -> None:
        """Let the newest checkpoint still be stored, for the attempt that comes after this one."""
        self._spool.flush(at_once=True)
        self._carrier.settle(self._timing.settle)

    def _insist(self, step: Callable[[], int]) -> int:
        give_up_at = math.inf
        waits = False
        while True:
            if self._drain.is_set():  # before a try: one on a locked database takes long itself
                give_up_at = min(give_up_at, time.monotonic() + self._timing.away)
            try:
                queued = step()
            except (Unavailable, StorageFull) as away:
                if time.monotonic() >= give_up_at:
                    log.error("the end of %s is lost: %s", self._lease, away)  # noqa: TRY400 - expected
                    return 0
                if not waits:
                    log.warning("the end of %s waits: %s", self._lease, away)
                waits = True
                time.sleep(AWAY_SECONDS)
            else:
                if waits:
                    log.warning("the end of %s that waited is written", self._lease)
                return queued

    def _write(self, verb: Callable[[Session], State]) -> int:
        with self._spool.transaction() as tx:
            left = checkpoints.keys_of(tx, self._lease)  # their rows go with a last move
            state = verb(tx)
            queued = 1
            if state.is_terminal:
                queued = self._step(tx)
                failpoints.reach(failpoints.Place.ADVANCED)
        self._carrier.dismiss()
        if state.is_terminal:
            self._carrier.remove(left)
        return queued

    def _step(self, tx: Session) -> int:
        """What follows from the end. If that fails, the end stands, and the sweeper tries again.

        Not where the database failed: then this transaction is over, and the end is not written.
        """
        try:
            with tx.begin_nested():
                return advance(tx, self._lease.experiment_id)
        except SQLAlchemyError:
            raise
        except Exception:
            log.exception("%s cannot be advanced", self._lease.experiment_id)
            return 0


def _success(
    trained: Trained, engine: Mapping[str, JsonValue] | None, pruned: str | None
) -> Succeeded:
    costs = trained.finished.row_losses
    return Succeeded(
        stop_reason=trained.finished.stop_reason,
        reason=pruned if trained.finished.stop_reason is StopReason.PRUNED else None,
        network=trained.network,
        row_losses=RowLosses(rows=costs.rows, values=costs.values) if costs else None,
        judgement=Judgement(findings=trained.finished.findings),
        engine=engine,
    )
