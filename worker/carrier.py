"""Takes a trainer's checkpoints to the artifact store, from a thread of its own.

The store may be slow, full or away; the supervisor's watch of the training, its heart and its
epochs wait for nothing here. What is registered in the database is the spool's business.
"""

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from models.errors import ArtifactsUnavailable, EpochdError
from store import failpoints, keys
from store.artifacts import Artifacts, Stored
from store.fence import Lease
from worker.messages import CheckpointFile

log = logging.getLogger(__name__)

# A store that did not take a checkpoint is tried again after a second, then less and less often.
RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 30.0
# How long the end of an attempt waits for what the thread is at; then the thread is left behind.
CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Carried:
    """A checkpoint in the store that no row names yet."""

    epoch: int
    stored: Stored


class Carrier:
    """Stores the checkpoints of one attempt, one at a time; a context manager.

    A newer one supersedes one that waits. The next is stored only when the one before is
    registered, so a database that is away for hours leaves no more than one file too many.

    Args:
        artifacts: where to.
        lease: of the attempt, whose number is part of every key.
    """

    def __init__(self, artifacts: Artifacts, lease: Lease) -> None:
        self._artifacts = artifacts
        self._lease = lease
        self._changed = threading.Condition()
        self._waiting: CheckpointFile | None = None
        self._carrying = False
        self._carried: Carried | None = None
        self._superfluous: list[str] = []
        self._trouble: str | None = None
        self._pause = RETRY_SECONDS
        self._retry_at = 0.0
        self._over = False
        name = f"checkpoints of {lease.experiment_id}/{lease.number}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def take(self, file: CheckpointFile) -> None:
        """Store this one, and remove it from the scratch folder then."""
        with self._changed:
            superseded, self._waiting = self._waiting, file
            self._changed.notify_all()
        _remove(superseded)

    @property
    def carried(self) -> Carried | None:
        """What is stored and waits to be registered."""
        return self._carried

    @property
    def trouble(self) -> str | None:
        """Why the last one that was tried could not be stored."""
        return self._trouble

    def registered(self) -> None:
        """Go on with the next: what was carried has a row now."""
        with self._changed:
            self._carried = None
            self._changed.notify_all()

    def remove(self, superfluous: Sequence[str]) -> None:
        """Delete the files under keys that no row names any more."""
        with self._changed:
            self._superfluous += superfluous
            self._changed.notify_all()

    def dismiss(self) -> None:
        """Store nothing more, and remove what no row names: the attempt's end is committed."""
        with self._changed:
            self._over = True
            if self._carried is not None:
                self._superfluous.append(self._carried.stored.key)
                self._carried = None
            self._changed.notify_all()

    def settle(self, seconds: float) -> None:
        """Wait until the newest is stored, or cannot be for now."""
        with self._changed:
            self._changed.wait_for(self._settled, seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            log.warning("%s: the artifact store hangs", self._lease)

    def _settled(self) -> bool:
        if self._carrying:
            return False
        free = self._waiting is not None and self._carried is None
        return not free or time.monotonic() < self._retry_at

    def _run(self) -> None:
        while True:
            with self._changed:
                while (pause := self._idle()) != 0.0:
                    self._changed.wait(pause)
                keys, self._superfluous = self._superfluous, []
                file = None
                if not keys and not self._over:
                    file, self._waiting = self._waiting, None
                self._carrying = file is not None
            if file is not None:
                self._carry(file)
            elif keys:
                self._delete(keys)
            else:
                return

    def _idle(self) -> float | None:
        """Seconds until there is something to do; None for until something changes."""
        if self._superfluous or self._over:
            return 0.0
        if self._waiting is None or self._carried is not None:
            return None
        return max(0.0, self._retry_at - time.monotonic())

    def _carry(self, file: CheckpointFile) -> None:
        carried: Carried | None = None
        trouble: str | None = None
        try:
            carried = Carried(file.epoch, self._store(file))
        except EpochdError as error:
            trouble = error.detail
        except Exception as error:  # noqa: BLE001 - whatever it is, the training goes on
            trouble = f"{type(error).__name__}: {error}"
        self._settle_with(file, carried, trouble)

    def _store(self, file: CheckpointFile) -> Stored:
        lease = self._lease
        key = keys.checkpoint(lease.experiment_id, lease.number, lease.attempt, file.epoch)
        stored = self._artifacts.put(key, Path(file.path))
        if stored.sha256 != file.sha256:
            self._artifacts.delete(key)
            raise ArtifactsUnavailable("The checkpoint was damaged on its way.")
        failpoints.reach(failpoints.Place.CHECKPOINT_STORED)
        return stored

    def _settle_with(
        self, file: CheckpointFile, carried: Carried | None, trouble: str | None
    ) -> None:
        done = carried is not None
        with self._changed:
            self._carrying = False
            if self._over and carried is not None:  # nobody will register it
                self._superfluous.append(carried.stored.key)
                carried = None
            self._carried = carried
            if done:
                self._pause, self._retry_at = RETRY_SECONDS, 0.0
            else:
                self._retry_at = time.monotonic() + self._pause
                self._pause = min(2 * self._pause, MAX_RETRY_SECONDS)
                if self._waiting is None:
                    self._waiting = file
                else:
                    done = True  # a newer one takes its place
                if self._trouble is None and not self._over:
                    log.warning("checkpoints of %s cannot be stored: %s", self._lease, trouble)
                self._trouble = self._trouble or trouble
            self._changed.notify_all()
        if done:
            _remove(file)

    def _delete(self, superfluous: Sequence[str]) -> None:
        for key in superfluous:
            try:
                self._artifacts.delete(key)
            except EpochdError as error:  # then it is collected, as all that nobody names
                log.warning("%s: %s is left behind: %s", self._lease, key, error)


def _remove(file: CheckpointFile | None) -> None:
    if file is not None:
        with suppress(OSError):
            Path(file.path).unlink()
