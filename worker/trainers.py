"""The warm trainers of one worker: started before they are needed, replaced when they are gone."""

import logging
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from models.specs.experiment import Device
from worker.messages import Ready
from worker.process import TrainerGone, TrainerProcess, TrainerSettings
from worker.timing import GLANCE_SECONDS

log = logging.getLogger(__name__)

# Importing TensorFlow takes 4-8 s on an idle machine, and far longer on an overloaded one.
WARM_SECONDS = 300.0
# A trainer that cannot even start is tried again, but not in a tight circle.
RETRY_SECONDS = 2.0


# TensorFlow keeps about 1 MB of every trial; a large one may leave more to the allocator.
GROWN_BYTES = 2**30


class Trainers:
    """As many trainers as there are slots, each lent to one supervisor at a time.

    Args:
        count: how many.
        settings: how each is started.
        drain: set when the worker is to end.
        grown_bytes: a trainer that takes so much more than when it was new is replaced.
    """

    def __init__(
        self,
        count: int,
        settings: TrainerSettings,
        drain: threading.Event,
        *,
        grown_bytes: int = GROWN_BYTES,
    ) -> None:
        self._grown_bytes = grown_bytes
        self._settings = settings
        self._drain = drain
        # The one given back last is lent first: its caches are warm.
        self._free: queue.LifoQueue[TrainerProcess] = queue.LifoQueue()
        for _ in range(count):
            self._free.put(TrainerProcess(settings))

    @contextmanager
    def borrow(self) -> Iterator[TrainerProcess | None]:
        """A warm trainer for as long as the context lasts; None when the worker is to end.

        If it is gone or has grown afterwards, another starts at once, to be warm for the next
        borrower.
        """
        trainer = self._free.get()
        try:
            while not self._is_warm(trainer) and not self._drain.wait(RETRY_SECONDS):
                trainer.end()
                trainer = TrainerProcess(self._settings)
            yield None if self._drain.is_set() else trainer
        finally:
            try:
                if not self._drain.is_set() and self._is_used_up(trainer):
                    log.warning("trainer %d is replaced; its slot waits for the new", trainer.pid)
                    trainer.end()
                    trainer = TrainerProcess(self._settings)
            finally:  # a slot without a trainer would wait for one for ever
                self._free.put(trainer)

    def close(self) -> None:
        """End all trainers that are not lent."""
        while True:
            try:
                self._free.get_nowait().end()
            except queue.Empty:
                return

    def _is_used_up(self, trainer: TrainerProcess) -> bool:
        return not trainer.alive or trainer.grown() > self._grown_bytes

    def _is_warm(self, trainer: TrainerProcess) -> bool:
        """Wait until it is; False when it ended or hung instead, or when the worker is to end."""
        deadline = time.monotonic() + WARM_SECONDS
        try:
            while not trainer.warm and not self._drain.is_set():
                report = trainer.receive(GLANCE_SECONDS)
                if isinstance(report, Ready):
                    self._welcome(trainer, report)
                elif time.monotonic() > deadline:
                    raise TrainerGone(f"trainer {trainer.pid} did not get ready")  # noqa: TRY301
        except TrainerGone as gone:
            log.warning("a trainer could not be started: %s", gone)
            return False
        return trainer.warm and trainer.alive

    def _welcome(self, trainer: TrainerProcess, ready: Ready) -> None:
        trainer.mark_warm()
        if self._settings.device is Device.GPU and ready.device == "cpu":
            log.error("TensorFlow sees no GPU here: trials for a GPU will train on the CPU")
