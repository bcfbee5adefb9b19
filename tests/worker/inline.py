"""One worker in the test's own process, with a trainer of the kind that is asked for; no Celery."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from models.specs.experiment import Device
from store.artifacts import Artifacts
from store.database import Database
from tests.worker.site import Site
from worker.means import Means
from worker.process import TrainerSettings
from worker.slots import Slots
from worker.timing import Timing
from worker.trainers import GROWN_BYTES, Trainers

# A worker drains within 30 s.
END_SECONDS = 40.0

ODD_TRAINER = "tests.worker.odd_trainer"
SCRIPTED_TRAINER = "tests.worker.scripted_trainer"


class InlineWorker:
    """Works until nothing is left to claim, or until it is drained.

    Args:
        here: brings what is not given.
        module: of the trainer.
        memory_bytes: that a trainer may take; None is without limit.
        grown_bytes: a trainer that has grown by more is replaced.
    """

    def __init__(
        self,
        here: Site,
        module: str,
        timing: Timing | None = None,
        *,
        artifacts: Artifacts | None = None,
        database: Database | None = None,
        memory_bytes: int | None = None,
        grown_bytes: int = GROWN_BYTES,
    ) -> None:
        self._doorbell = here.doorbell
        self._settings = TrainerSettings(
            threads=1, device=Device.CPU, module=module, memory_bytes=memory_bytes
        )
        self._timing = timing or Timing()
        self._artifacts = artifacts or here.artifacts
        self._database = database or here.database
        self._grown_bytes = grown_bytes

    def work(self, drain: threading.Event | None = None) -> None:
        """Answer the doorbell once."""
        drain = drain or threading.Event()
        trainers = Trainers(1, self._settings, drain, grown_bytes=self._grown_bytes)
        with closing(trainers), TemporaryDirectory() as scratch:
            Slots(
                worker="test",
                device=Device.CPU,
                trainers=trainers,
                doorbell=self._doorbell,
                means=Means(
                    database=self._database,
                    artifacts=self._artifacts,
                    drain=drain,
                    timing=self._timing,
                    scratch=Path(scratch),
                ),
            ).work()
            drain.set()

    @contextmanager
    def working(self, drain: threading.Event | None = None) -> Iterator[Future[None]]:
        """Work beside the test; at the end of the context, drain, and wait for the end."""
        drain = drain or threading.Event()
        with ThreadPoolExecutor(1) as threads:
            done = threads.submit(self.work, drain)
            try:
                yield done
            finally:
                drain.set()
            done.result(END_SECONDS)
