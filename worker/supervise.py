"""One attempt at one trial, from its claim to its end: hand over, watch, judge, write down.

The supervisor holds the lease and talks to the trainer; it loads no Keras. Whatever the trainer
does - fail, crash, hang, write rubbish - ends this attempt and nothing else.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import JsonValue
from sqlalchemy.orm import Session

from models.errors import EpochdError, LeaseLost, StorageFull, Unavailable
from models.lifecycle import State
from models.resolve import resolve
from store import epochs, failpoints, keys, leases
from store.artifacts import Artifacts, Stored
from store.claims import Claim
from store.database import Database
from store.outcomes import Cancelled, Failed, Outcome, Succeeded
from worker import messages
from worker.advance import advance
from worker.endings import Crashed, Ended, Refused, Stopping, failure
from worker.heartbeat import Heart
from worker.messages import Ending, Epochs, Finished, Started, Stop, Stopped, Train
from worker.process import TrainerGone, TrainerProcess
from worker.spool import Spool
from worker.timing import Timing

log = logging.getLogger(__name__)

# How long one wait for a report lasts: a cancel that the heartbeat brought is seen as soon.
GLANCE_SECONDS = 0.1
# How far apart two processes that are ended together may notice it.
TOGETHER_SECONDS = 0.5
# A database that is away or full when a trial ends is tried again so often.
AWAY_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every attempt of a worker works with.

    Attributes:
        drain: set when the worker is to end.
    """

    database: Database
    artifacts: Artifacts
    drain: threading.Event
    timing: Timing


class Attempt:
    """One execution of a claimed trial.

    Args:
        claim: the trial and the lease on it.
        trainer: warm and idle; ended afterwards when it could not be stopped in time.
        means: of this worker.
        heart: of this worker.
    """

    def __init__(self, claim: Claim, trainer: TrainerProcess, means: Means, heart: Heart) -> None:
        self._claim = claim
        self._lease = claim.lease
        self._trainer = trainer
        self._means = means
        self._spool = Spool(means.database, claim.lease, means.timing.flush)
        self._heart = heart.keep(claim.lease)
        self._engine: dict[str, JsonValue] | None = None
        self._deadline = time.monotonic() + claim.spec.limits.max_seconds - claim.seconds

    def run(self) -> int:
        """Train.

        Returns:
            How many trials came into the queue by the way this ended.
        """
        with TemporaryDirectory(prefix="epochd-") as scratch, self._heart:
            try:
                ended = self._train(Path(scratch))
                return self._write_down(ended)
            except LeaseLost:
                log.warning("%s is another's now", self._lease)
                self._trainer.end()
                return 0
            except BaseException:
                self._trainer.end()
                raise

    def _train(self, scratch: Path) -> Ended:
        try:
            plan = self._plan(scratch)
        except EpochdError as error:
            return Refused(error)
        try:
            self._trainer.send(plan)
            return self._watch()
        except TrainerGone as gone:
            # A service manager may end all processes of a service at once: that is no crash.
            if self._means.drain.wait(TOGETHER_SECONDS):
                return Stopped(reason=Ending.DRAIN)
            log.error("%s: %s", self._lease, gone)  # noqa: TRY400 - the trace is of no use
            return Crashed(str(gone))

    def _plan(self, scratch: Path) -> Train:
        claim = self._claim
        return Train(
            trial=resolve(claim.spec, claim.changes, claim.profile, seed=claim.seed),
            profile=claim.profile,
            folder=str(self._means.artifacts.local(claim.folder)),
            network=str(scratch / "network.keras"),
        )

    def _watch(self) -> Finished | messages.Failed | Stopped:
        """Follow the training to its end, which is proven when this returns."""
        stopping: Stopping | None = None
        while True:
            if self._heart.lost:
                raise LeaseLost
            stopping = stopping or self._stop_if_wanted()
            if stopping is not None and stopping.overdue():
                self._trainer.end()
                return Stopped(reason=stopping.reason)
            match self._trainer.receive(min(GLANCE_SECONDS, self._spool.due_in())):
                case Finished() | Stopped() as ended:
                    return ended
                case messages.Failed() as failed:
                    log.error("%s failed: %s", self._lease, failed.detail)
                    return failed
                case Started(engine=engine):
                    self._describe(engine)
                case Epochs(rows=rows):
                    self._spool.add(rows)
            self._spool.flush()

    def _stop_if_wanted(self) -> Stopping | None:
        timing = self._means.timing
        if self._heart.cancelled:
            stopping = Stopping.within(timing.stop, Ending.CANCEL)
        elif self._means.drain.is_set():
            stopping = Stopping.within(timing.drain, Ending.DRAIN)
        elif time.monotonic() > self._deadline:
            stopping = Stopping.within(timing.stop, Ending.TIMEOUT)
        else:
            return None
        self._trainer.send(Stop(reason=stopping.reason))
        return stopping

    def _describe(self, engine: dict[str, JsonValue]) -> None:
        """Show how it is trained while it trains; `finish` writes it again."""
        self._engine = engine
        with suppress(Unavailable, StorageFull), self._means.database.transaction() as tx:
            leases.describe(tx, self._lease, engine)

    def _write_down(self, ended: Ended) -> int:
        lease = self._lease
        match ended:
            case Finished():
                outcome = self._result(ended)
                return self._insist(lambda tx: leases.finish(tx, lease, outcome))
            case messages.Failed() | Refused() | Stopped(reason=Ending.TIMEOUT):
                failed = self._failure(ended)
                return self._insist(lambda tx: leases.finish(tx, lease, failed))
            case Stopped(reason=Ending.CANCEL):
                return self._insist(lambda tx: leases.finish(tx, lease, Cancelled()))
            case Stopped():
                reason = "Its worker was told to end."
                return self._insist(lambda tx: leases.release(tx, lease, reason))
            case Crashed():
                failed = self._failure(ended)
                return self._insist(lambda tx: leases.crashed(tx, lease, failed))

    def _result(self, finished: Finished) -> Outcome:
        """Keep the network, then say what came out."""
        lease, file = self._lease, finished.network
        network: Stored | None = None
        if file is not None:
            key = keys.network(lease.experiment_id, lease.number, lease.attempt)
            try:
                network = self._means.artifacts.put(key, Path(file.path))
            except EpochdError as error:
                return self._failure(Refused(error))
            failpoints.reach(failpoints.Place.NETWORK_STORED)
        return Succeeded(
            stop_reason=finished.stop_reason,
            network=network,
            findings=finished.findings,
            engine=self._engine,
        )

    def _failure(self, ended: messages.Failed | Refused | Stopped | Crashed) -> Failed:
        limit = self._claim.spec.limits.max_seconds
        return failure(ended, max_seconds=limit, engine=self._engine)

    def _insist(self, verb: Callable[[Session], State]) -> int:
        """Write the end in one transaction with what follows from it, however long that takes.

        Only a worker that is to end gives up on a database that stays away: then the lease runs
        out, and whoever sweeps gives the trial to another.

        Raises:
            LeaseLost: the trial is another's now.
        """
        lease, patience = self._lease, math.inf
        while True:
            try:
                with self._means.database.transaction() as tx:
                    epochs.append(tx, lease, self._spool.rest())
                    state = verb(tx)
                    return self._step(tx) if state.is_terminal else 1
            except (Unavailable, StorageFull) as away:
                if self._means.drain.is_set():
                    patience = min(patience, time.monotonic() + self._means.timing.away)
                if time.monotonic() >= patience:
                    log.error("the end of %s is lost: %s", lease, away)  # noqa: TRY400 - expected
                    return 0
                log.warning("the end of %s waits: %s", lease, away)
                time.sleep(AWAY_SECONDS)

    def _step(self, tx: Session) -> int:
        """What follows from the end. If that fails, the end stands, and the sweeper tries again."""
        try:
            with tx.begin_nested():
                return advance(tx, self._lease.experiment_id)
        except Exception:
            log.exception("%s cannot be advanced", self._lease.experiment_id)
            return 0
