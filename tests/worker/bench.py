"""One worker in the test's own process, with a trainer of the kind that is asked for; no Celery."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

from models.specs.experiment import Device
from store.artifacts import Artifacts
from tests.worker.site import Site
from worker.process import TrainerSettings
from worker.slots import Slots
from worker.supervise import Means
from worker.timing import Timing
from worker.trainers import Trainers


class Bench:
    """Works until nothing is left to claim, or until it is drained."""

    def __init__(
        self, here: Site, module: str, timing: Timing, artifacts: Artifacts | None = None
    ) -> None:
        self._here = here
        self._settings = TrainerSettings(threads=1, device=Device.CPU, module=module)
        self._timing = timing
        self._artifacts = artifacts or here.artifacts

    def work(self, drain: threading.Event | None = None) -> None:
        """Answer the doorbell once."""
        drain = drain or threading.Event()
        with closing(Trainers(1, self._settings, drain)) as trainers:
            Slots(
                worker="test",
                device=Device.CPU,
                trainers=trainers,
                doorbell=self._here.doorbell,
                means=Means(
                    database=self._here.database,
                    artifacts=self._artifacts,
                    drain=drain,
                    timing=self._timing,
                ),
            ).work()
            drain.set()

    @contextmanager
    def working(self) -> Iterator[Future[None]]:
        """Work beside the test; at the end of the context, drain."""
        drain = threading.Event()
        with ThreadPoolExecutor(1) as threads:
            done = threads.submit(self.work, drain)
            try:
                yield done
            finally:
                drain.set()
            done.result(20)
