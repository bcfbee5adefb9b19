"""One attempt at one trial, from its claim to its end: hand over, watch, judge, write down.

The supervisor holds the lease and talks to the trainer; it loads no Keras. Whatever the trainer
does - fail, crash, hang, write rubbish - ends this attempt and nothing else.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from pydantic import JsonValue
from sqlalchemy.orm import Session

from models.errors import EpochdError, LeaseLost, StorageFull, Unavailable
from models.lifecycle import State, StopReason
from models.resolve import resolve
from models.views.base import Problem
from store import epochs, keys, leases
from store.artifacts import Artifacts, Stored
from store.claims import Claim
from store.database import Database
from store.outcomes import Cancelled, Failed, Outcome, Succeeded
from worker import messages
from worker.advance import advance
from worker.heartbeat import Heartbeat
from worker.messages import Ending, Epochs, Finished, Started, Stop, Stopped, Train
from worker.process import TrainerGone, TrainerProcess
from worker.spool import Spool
from worker.timing import Timing

log = logging.getLogger(__name__)

# How long one wait for a report lasts: a cancel that the heartbeat brought is seen as soon.
GLANCE_SECONDS = 0.1
# A database that is away or full when a trial ends is tried again so often.
AWAY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Crashed:
    """The trainer ended before it had said how the trial ended.

    Attributes:
        how: in words.
    """

    how: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The trial could not even be handed over.

    Attributes:
        error: why.
    """

    error: EpochdError


Ended = Finished | messages.Failed | Stopped | Crashed | Refused


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
    """

    def __init__(self, claim: Claim, trainer: TrainerProcess, means: Means) -> None:
        self._claim = claim
        self._lease = claim.lease
        self._trainer = trainer
        self._means = means
        self._spool = Spool(means.database, claim.lease, means.timing.flush)
        self._heart = Heartbeat(means.database, claim.lease, means.timing)
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
        stopping: _Stopping | None = None
        while True:
            if self._heart.lost:
                raise LeaseLost
            stopping = stopping or self._stop_if_wanted()
            if stopping is not None and stopping.overdue():
                self._trainer.end()
                return Stopped(reason=stopping.reason)
            match self._trainer.receive(min(GLANCE_SECONDS, self._spool.due_in())):
                case Finished() | messages.Failed() | Stopped() as ended:
                    return ended
                case Started(engine=engine):
                    self._describe(engine)
                case Epochs(rows=rows):
                    self._spool.add(rows)
            self._spool.flush()

    def _stop_if_wanted(self) -> "_Stopping | None":
        timing = self._means.timing
        if self._heart.cancelled:
            stopping = _Stopping.within(timing.stop, Ending.CANCEL)
        elif self._means.drain.is_set():
            stopping = _Stopping.within(timing.drain, Ending.DRAIN)
        elif time.monotonic() > self._deadline:
            stopping = _Stopping.within(timing.stop, Ending.TIMEOUT)
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
                failure = self._failure(ended)
                return self._insist(lambda tx: leases.finish(tx, lease, failure))
            case Stopped(reason=Ending.CANCEL):
                return self._insist(lambda tx: leases.finish(tx, lease, Cancelled()))
            case Stopped():
                reason = "Its worker was told to end."
                return self._insist(lambda tx: leases.release(tx, lease, reason))
            case Crashed(how=how):
                log.error("%s: %s", lease, how)
                failure = self._failure(ended)
                return self._insist(lambda tx: leases.crashed(tx, lease, failure))

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
        return Succeeded(
            stop_reason=finished.stop_reason,
            network=network,
            findings=finished.findings,
            engine=self._engine,
        )

    def _failure(self, ended: "messages.Failed | Refused | Stopped | Crashed") -> Failed:
        """What the client is told."""
        match ended:
            case messages.Failed(stop_reason=reason, code=code, problem=problem):
                log.error("%s failed: %s", self._lease, ended.detail)
                return self._failed(reason, code, problem)
            case Refused(error=error):
                return self._failed(StopReason.ERROR, error.code, error.detail)
            case Stopped():
                limit = self._claim.spec.limits.max_seconds
                detail = f"It was not done after {limit:g} s, which is its limits.max_seconds."
                return self._failed(StopReason.TIMED_OUT, StopReason.TIMED_OUT, detail)
            case Crashed(how=how):
                detail = f"The process that trained it ended unexpectedly: {how}."
                return self._failed(StopReason.WORKER_LOST, StopReason.WORKER_LOST, detail)

    def _failed(self, reason: StopReason, code: str, detail: str) -> Failed:
        problem = Problem(title=_TITLES[reason], detail=detail, code=code)
        return Failed(stop_reason=reason, problem=problem, engine=self._engine)

    def _insist(self, verb: Callable[[Session], State]) -> int:
        """Write the end in one transaction with what follows from it, however long that takes.

        Raises:
            LeaseLost: the trial is another's now.
        """
        lease = self._lease
        while True:
            try:
                with self._means.database.transaction() as tx:
                    epochs.append(tx, lease, self._spool.rest())
                    state = verb(tx)
                    if state.is_terminal:
                        return advance(tx, lease.experiment_id)
                    return 1
            except (Unavailable, StorageFull) as away:
                log.warning("the end of %s waits: %s", lease, away)
                time.sleep(AWAY_SECONDS)


@dataclass(frozen=True, slots=True)
class _Stopping:
    """A stop that the trainer was asked for, and until when it has time."""

    reason: Ending
    until: float

    @classmethod
    def within(cls, seconds: float, reason: Ending) -> Self:
        return cls(reason, time.monotonic() + seconds)

    def overdue(self) -> bool:
        return time.monotonic() > self.until


_TITLES = {
    StopReason.OUT_OF_MEMORY: "The training ran out of memory",
    StopReason.TIMED_OUT: "The training took too long",
    StopReason.WORKER_LOST: "The training was lost",
    StopReason.ERROR: "The training failed",
}
