"""One attempt at one trial, from its claim to its end: hand over, watch, judge, write down.

The supervisor holds the lease and talks to the trainer; it loads no Keras. Whatever the trainer
does - fail, crash, hang, write rubbish - ends this attempt and nothing else.
"""

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue
from sqlalchemy.orm import Session

from models.errors import ArtifactsUnavailable, EpochdError, LeaseLost, StorageFull
from models.resolve import resolve
from store import failpoints, keys, leases
from store.artifacts import Artifacts, plainly
from store.claims import Claim
from store.database import Database
from store.outcomes import Cancelled, Failed, Succeeded
from worker import messages
from worker.attentive import patiently
from worker.checkpoints import Carrier
from worker.closing import Closing
from worker.endings import (
    Crashed,
    Ended,
    Exhausted,
    Kept,
    Refused,
    Stopping,
    failure,
    without_a_word,
)
from worker.heartbeat import Heart
from worker.messages import (
    Checkpointed,
    CheckpointFile,
    Checkpointing,
    Ending,
    Epochs,
    Finished,
    Started,
    Stop,
    Stopped,
    Train,
    Unprotected,
)
from worker.process import TrainerGone, TrainerProcess
from worker.resuming import Resuming
from worker.scratch import attempt_folder
from worker.spool import Spool
from worker.timing import Timing
from worker.watchdog import Watched

log = logging.getLogger(__name__)

# How long one wait for a report lasts: a cancel that the heartbeat brought is seen as soon.
GLANCE_SECONDS = 0.1
# The folder within an attempt's own into which its trainer writes checkpoints.
CHECKPOINTS = "checkpoints"
# How far apart two processes that are ended together may notice it.
TOGETHER_SECONDS = 0.5

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every attempt of a worker works with.

    Attributes:
        drain: set when the worker is to end.
        scratch: a folder of this machine for the files of attempts.
    """

    database: Database
    artifacts: Artifacts
    drain: threading.Event
    timing: Timing
    scratch: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))


class _Halted(Exception):
    """A wait came to an end because the attempt is to end.

    Attributes:
        reason: why.
    """

    def __init__(self, reason: Ending) -> None:
        super().__init__(reason)
        self.reason = reason


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
        self._trainer = Watched(trainer, hang=means.timing.hang)
        self._means = means
        self._heart = heart.keep(claim.lease)
        self._resuming = Resuming(claim, means.artifacts)
        self._carrier = Carrier(means.artifacts, claim.lease)
        self._spool = Spool(means.database, claim.lease, self._carrier, means.timing.flush)
        self._closing = Closing(
            lease=claim.lease,
            spool=self._spool,
            carrier=self._carrier,
            drain=means.drain,
            timing=means.timing,
        )
        self._engine: dict[str, JsonValue] | None = None
        self._warned = False
        self._begun = time.monotonic()

    def run(self) -> int:
        """Train.

        Returns:
            How many trials came into the queue by the way this ended.
        """
        with ExitStack() as parts:
            parts.enter_context(self._heart)
            try:
                ended = self._train(parts)
                return self._write_down(ended)
            except LeaseLost:
                log.warning("%s is another's now", self._lease)
                self._trainer.end()
                return 0
            except BaseException:
                self._trainer.end()
                raise

    def _train(self, parts: ExitStack) -> Ended:
        try:
            scratch = parts.enter_context(attempt_folder(self._means.scratch))
            parts.enter_context(self._carrier)  # its thread ends before the folder does
            self._trainer.send(self._plan(scratch))
            ended = self._watch(scratch / CHECKPOINTS)
            return self._keep(ended) if isinstance(ended, Finished) else ended
        except LeaseLost:
            raise
        except _Halted as halted:
            return Stopped(reason=halted.reason)
        except EpochdError as error:
            return Refused(error)
        except TrainerGone as gone:
            # A service manager may end all processes of a service at once: that is no crash.
            if self._means.drain.wait(TOGETHER_SECONDS):
                return Stopped(reason=Ending.DRAIN)
            log.error("%s: %s", self._lease, gone)  # noqa: TRY400 - the trace is of no use
            return without_a_word(gone)

    def _plan(self, scratch: Path) -> Train:
        """What the trainer is told, with everything fetched that it needs.

        Raises:
            EpochdError: it cannot be trained, or not here and now.
        """
        claim = self._claim
        folder = self._patiently(lambda: self._means.artifacts.local(claim.folder))
        found = self._patiently(self._resuming.fetch)
        with plainly():
            (scratch / CHECKPOINTS).mkdir()
        return Train(
            trial=resolve(claim.spec, claim.changes, claim.profile, seed=claim.seed),
            profile=claim.profile,
            folder=str(folder),
            network=str(scratch / "network.keras"),
            checkpointing=Checkpointing(
                folder=str(scratch / CHECKPOINTS),
                seconds=self._means.timing.checkpoint,
                found=found,
            ),
        )

    def _watch(self, checkpoints: Path) -> Finished | messages.Failed | Stopped:
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
                case Started() as started:
                    self._begin(started)
                case Epochs(rows=rows):
                    self._spool.add(rows)
                case Checkpointed(file=file):
                    self._take(file, checkpoints)
                case Unprotected(problem=problem):
                    self._warn(problem)
            self._warn(self._carrier.trouble)
            self._spool.flush()

    def _stop_if_wanted(self) -> Stopping | None:
        timing = self._means.timing
        if self._heart.cancelled:
            stopping = Stopping.within(timing.stop, Ending.CANCEL)
        elif self._means.drain.is_set():
            stopping = Stopping.within(timing.drain, Ending.DRAIN)
        elif time.monotonic() > self._deadline():
            stopping = Stopping.within(timing.stop, Ending.TIMEOUT)
        else:
            return None
        self._trainer.send(Stop(reason=stopping.reason))
        return stopping

    def _deadline(self) -> float:
        """When the trial has taken too long; epochs that are trained again count once."""
        limit = self._claim.spec.limits.max_seconds
        return self._begun + limit - self._resuming.seconds

    def _begin(self, started: Started) -> None:
        """Show how it is trained, and from where on; `finish` writes the first again."""
        self._engine = started.engine
        self._resuming.begun(started)
        self._spool.note(self._describe)
        self._spool.note(self._resuming.note)

    def _describe(self, tx: Session) -> tuple[str, ...]:
        leases.describe(tx, self._lease, self._engine or {})
        return ()

    def _take(self, file: CheckpointFile, folder: Path) -> None:
        """Have a checkpoint stored; a trainer cannot make us take, or remove, any other file."""
        if Path(file.path).parent == folder and file.epoch <= self._spool.last:
            self._carrier.take(file)
        else:
            log.warning("%s reports a checkpoint that is none: %s", self._lease, file)

    def _warn(self, problem: str | None) -> None:
        """Say once an attempt that checkpoints cannot be kept; the training goes on."""
        if problem is None or self._warned:
            return
        self._warned = True
        log.warning("%s trains without a new checkpoint: %s", self._lease, problem)
        reason = f"A checkpoint could not be kept, and the training goes on without: {problem}"
        self._spool.note(lambda tx: self._tell(tx, "checkpoint.unprotected", reason))

    def _tell(self, tx: Session, kind: str, reason: str) -> tuple[str, ...]:
        leases.tell(tx, self._lease, kind, reason)
        return ()

    def _keep(self, finished: Finished) -> Kept:
        """Store the network of a training that came to its end.

        Raises:
            StorageFull, ArtifactsUnavailable: it cannot be stored, for long.
        """
        file = finished.network
        if file is None:
            return Kept(finished, None)
        lease = self._lease
        key = keys.network(lease.experiment_id, lease.number, lease.attempt)
        path = Path(file.path)
        try:
            network = self._patiently(
                lambda: self._means.artifacts.put(key, path), grace=self._means.timing.drain
            )
        except (StorageFull, ArtifactsUnavailable) as error:
            problem = f"The network is trained but could not be stored: {error.detail}"
            raise type(error)(problem) from error
        failpoints.reach(failpoints.Place.NETWORK_STORED)
        return Kept(finished, network)

    def _patiently(self, verb: Callable[[], Result], *, grace: float = 0.0) -> Result:
        """Wait for the artifact store, for a while; less when the worker is to end.

        Raises:
            _Halted: the attempt is to end.
        """
        stopping: Stopping | None = None

        def heed() -> None:
            nonlocal stopping
            if self._heart.lost:
                raise LeaseLost
            if self._heart.cancelled:
                raise _Halted(Ending.CANCEL)
            if self._means.drain.is_set():
                stopping = stopping or Stopping.within(grace, Ending.DRAIN)
                if stopping.overdue():
                    raise _Halted(Ending.DRAIN)

        return patiently(verb, seconds=self._means.timing.artifacts, heed=heed)

    def _write_down(self, ended: Ended) -> int:
        lease, resumed = self._lease, self._resuming.epoch
        match ended:
            case Kept():
                outcome = self._success(ended)
                return self._closing.insist(
                    lambda tx: leases.finish(tx, lease, outcome, resumed=resumed)
                )
            case messages.Failed() | Refused() | Exhausted() | Stopped(reason=Ending.TIMEOUT):
                failed = self._failure(ended)
                return self._closing.insist(
                    lambda tx: leases.finish(tx, lease, failed, resumed=resumed)
                )
            case Stopped(reason=Ending.CANCEL):
                return self._closing.insist(lambda tx: leases.finish(tx, lease, Cancelled()))
            case Stopped():
                self._save_progress()
                reason = "Its worker was told to end."
                return self._closing.insist(lambda tx: leases.release(tx, lease, reason))
            case Crashed():
                self._save_progress()
                failed = self._failure(ended)
                return self._closing.insist(lambda tx: leases.crashed(tx, lease, failed))

    def _save_progress(self) -> None:
        """Let the newest checkpoint still be stored, for the attempt that comes after this one."""
        self._spool.flush(at_once=True)
        self._carrier.settle(self._means.timing.settle)

    def _success(self, kept: Kept) -> Succeeded:
        return Succeeded(
            stop_reason=kept.finished.stop_reason,
            network=kept.network,
            findings=kept.finished.findings,
            engine=self._engine,
        )

    def _failure(self, ended: messages.Failed | Refused | Stopped | Crashed | Exhausted) -> Failed:
        limit = self._claim.spec.limits.max_seconds
        return failure(ended, max_seconds=limit, engine=self._engine)
