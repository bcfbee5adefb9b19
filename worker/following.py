"""Follows a training to its end: what the trainer reports goes on its way, a stop is asked for.

What becomes of the end is not its business, nor how the trainer is ended; only that it is.
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import JsonValue
from sqlalchemy.orm import Session

from models.errors import LeaseLost
from store import leases
from store.claims import Claim
from store.telling import tell_once
from worker.carrier import Carrier
from worker.heartbeat import Heartbeat
from worker.means import Means
from worker.messages import (
    Checkpointed,
    CheckpointFailed,
    CheckpointFile,
    Epochs,
    Failed,
    Finished,
    Measurements,
    Prune,
    Report,
    Started,
    Stop,
    StopCause,
    Stopped,
)
from worker.process import TrainerGone
from worker.pruning import Pruning
from worker.resuming import Resuming
from worker.spool import Spool
from worker.timing import GLANCE_SECONDS
from worker.watchdog import Watched

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stopping:
    """A stop that the trainer was asked for, and until when it has time."""

    reason: StopCause
    until: float

    @classmethod
    def within(cls, seconds: float, reason: StopCause) -> Self:
        """From now on."""
        return cls(reason, time.monotonic() + seconds)

    def overdue(self) -> bool:
        """Whether the trainer did not heed it."""
        return time.monotonic() > self.until


class Following:
    """One training, whose time runs from here on.

    Args:
        claim: the trial.
        trainer: which trains it.
        heart: brings what the client wants.
        spool: takes what is to be written.
        carrier: takes the checkpoints.
        resuming: learns where the training began.
        means: of this worker.

    Attributes:
        engine: how it is trained; None until the trainer has said so.
        pruned: why its trainer was told to make an end; None when nobody did.
    """

    def __init__(
        self,
        *,
        claim: Claim,
        trainer: Watched,
        heart: Heartbeat,
        spool: Spool,
        carrier: Carrier,
        resuming: Resuming,
        means: Means,
    ) -> None:
        self._lease = claim.lease
        self._limit = claim.spec.limits.max_seconds
        self._trainer = trainer
        self._heart = heart
        self._spool = spool
        self._carrier = carrier
        self._resuming = resuming
        self._means = means
        self._pruning = Pruning(claim, means.database)
        self._begun = time.monotonic()
        self._warned = False
        self.engine: dict[str, JsonValue] | None = None
        self.pruned: str | None = None

    def to_its_end(self, checkpoints: Path) -> Finished | Failed | Stopped:
        """Follow until the training's end, which is proven when this returns.

        Args:
            checkpoints: the folder into which the trainer writes them.

        Raises:
            LeaseLost: the trial is another's now.
            TrainerGone: the trainer ended before it had said how the trial ended, or says what
                cannot be.
        """
        stopping: Stopping | None = None
        while True:
            if self._heart.lost:
                raise LeaseLost
            stopping = stopping or self._ask_to_stop()
            if stopping is not None and stopping.overdue():
                self._trainer.end()
                return Stopped(reason=stopping.reason)
            match self._trainer.receive(min(GLANCE_SECONDS, self._spool.due_in())):
                case Finished() as finished:
                    return finished
                case Stopped():
                    if stopping is None:
                        raise TrainerGone("it stopped though nobody had asked it to")
                    return Stopped(reason=stopping.reason)
                case Failed() as failed:
                    log.error("%s failed: %s", self._lease, failed.detail)
                    return failed
                case report:
                    self._take_note(report, checkpoints)
            self._warn(self._carrier.trouble)
            self._spool.flush()
            self._prune()

    def _take_note(self, report: Report | None, checkpoints: Path) -> None:
        match report:
            case Started() as started:
                self._begin(started)
            case Epochs(rows=rows):
                self._spool.add(rows)
            case Measurements(rows=rows):
                self._spool.measure(rows)
            case Checkpointed(file=file):
                self._take(file, checkpoints)
            case CheckpointFailed(problem=problem):
                self._warn(problem)

    def _ask_to_stop(self) -> Stopping | None:
        """Ask the trainer to stop, if anybody wants that."""
        timing = self._means.timing
        if self._heart.cancelled:
            stopping = Stopping.within(timing.stop, StopCause.CANCEL)
        elif self._means.drain.is_set():
            stopping = Stopping.within(timing.drain, StopCause.DRAIN)
        elif time.monotonic() > self._deadline():
            stopping = Stopping.within(timing.stop, StopCause.TIMEOUT)
        else:
            return None
        self._trainer.send(Stop(reason=stopping.reason))
        return stopping

    def _prune(self) -> None:
        """Have the trainer make an end, if the trial falls behind; it may be at its end anyway."""
        if self.pruned is None:
            self.pruned = self._pruning.reason(self._spool.written)
            if self.pruned is not None:
                self._trainer.send(Prune())

    def _deadline(self) -> float:
        """When the trial has taken too long; epochs that are trained again count once."""
        return self._begun + self._limit - self._resuming.seconds

    def _begin(self, started: Started) -> None:
        """Show how it is trained, and from where on; `finish` writes the first again."""
        self.engine = started.engine
        self._resuming.begun(started)
        self._spool.note(self._describe)
        self._spool.note(self._resuming.note)

    def _describe(self, tx: Session) -> tuple[str, ...]:
        leases.describe(tx, self._lease, self.engine or {})
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
        self._spool.note(lambda tx: self._tell(tx, "checkpoint.failed", reason))

    def _tell(self, tx: Session, kind: str, reason: str) -> tuple[str, ...]:
        tell_once(tx, self._lease, kind, reason)
        return ()
