"""Protects a training against its own end: goes on from what is there, leaves what is needed.

It decides when a checkpoint is due and tells the supervisor of it; what is in one is not its
business, and neither is what becomes of it.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from store.artifacts import sha256_of
from worker.messages import Checkpointed, CheckpointFailed, CheckpointFile, Checkpointing
from worker.trainer import checkpoint
from worker.trainer.checkpoint import (
    Progress,
    Resumed,
    UnreadCheckpoint,
    UnusableCheckpoint,
)

log = logging.getLogger(__name__)

# Of a training's time, what writing checkpoints may take. They may cost 3 % in all; the rest is
# for what is not seen here: best weights copied, caches lost, files stored meanwhile.
MAX_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a training begins.

    Attributes:
        resumed: None at the beginning of all.
        unreadable: epochs of the checkpoints that were of no use.
    """

    resumed: Resumed | None
    unreadable: tuple[int, ...]

    @property
    def epoch(self) -> int:
        """The last one that was trained already."""
        return 0 if self.resumed is None else self.resumed.progress.position.epoch


def resume(
    checkpointing: Checkpointing | None,
    network: keras.Model,
    callbacks: Sequence[keras.callbacks.Callback],
) -> Beginning:
    """Go on from the newest checkpoint that is of use, or else from the network as it is.

    One that cannot be read at the moment is passed over, and stays: to train again what lies
    between it and the one before takes seconds. To train everything again may take a night, because
    of a disk that hiccups; so that is left to an attempt that can read it.

    Raises:
        UnreadCheckpoint: none is of use, and not all of them were damaged.
    """
    unreadable: list[int] = []
    unread: UnreadCheckpoint | None = None
    for file in () if checkpointing is None else checkpointing.found:
        try:
            resumed = checkpoint.load(Path(file.path), network, callbacks)
        except UnusableCheckpoint as problem:
            log.warning("the checkpoint of epoch %d is of no use: %s", file.epoch, problem)
            unreadable.append(file.epoch)
        except UnreadCheckpoint as trouble:
            log.warning("the checkpoint of epoch %d cannot be read now: %s", file.epoch, trouble)
            unread = unread or trouble
        else:
            return Beginning(resumed, tuple(unreadable))
    if unread is not None:
        raise unread
    return Beginning(None, tuple(unreadable))


class Pace:
    """When the next checkpoint is due: not too often, and never for more than MAX_SHARE of time.

    Args:
        seconds: the least between two.
        now: when the training begins, in seconds of any clock.
    """

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._due = now + seconds
        self._last_cost = math.inf

    def due(self, now: float) -> bool:
        """Whether one shall be written."""
        return now >= self._due

    def written(self, began: float, ended: float) -> None:
        """Note that one was written, and how long that took."""
        cost = ended - began
        # A disk that stalls once is no reason to leave a training unprotected for an hour; one that
        # does it twice is slow.
        self._due = ended + max(self._seconds, min(cost, self._last_cost) / MAX_SHARE)
        self._last_cost = cost

    def failed(self, now: float) -> None:
        """Note that one could not be written."""
        self._due = now + self._seconds


class Checkpointer:
    """Knows when a checkpoint is due, and writes it.

    Args:
        checkpointing: where and how often.
        network, callbacks: what is kept.
        send: takes the reports.
    """

    def __init__(
        self,
        checkpointing: Checkpointing,
        network: keras.Model,
        callbacks: Sequence[keras.callbacks.Callback],
        send: Callable[[Checkpointed | CheckpointFailed], None],
    ) -> None:
        self._folder = Path(checkpointing.folder)
        self._network = network
        self._callbacks = callbacks
        self._send = send
        self._pace = Pace(checkpointing.seconds, time.monotonic())

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self._pace.due(time.monotonic())

    def write(self, progress: Progress) -> None:
        """Leave a checkpoint and say so; the training does not end for want of room for one."""
        began = time.monotonic()
        epoch = progress.position.epoch
        path = self._folder / f"{epoch}.npz"
        try:
            checkpoint.write(path, self._network, self._callbacks, progress)
            file = CheckpointFile(
                epoch=epoch, path=str(path), sha256=sha256_of(path), bytes=path.stat().st_size
            )
        except OSError as error:
            log.warning("no checkpoint of epoch %d", epoch, exc_info=True)
            self._pace.failed(time.monotonic())
            problem = f"The checkpoint could not be written: {error.strerror or error}."
            self._send(CheckpointFailed(epoch=epoch, problem=problem))
        else:
            self._pace.written(began, time.monotonic())
            self._send(Checkpointed(file=file))
