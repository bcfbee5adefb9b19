"""The control worker's answers to a doorbell: read a dataset, or take an experiment a step on.

Afterwards it rings for what can be trained now.
"""

import logging

from store import datasets, experiments
from store.database import Database
from store.doorbell import Doorbell
from worker.advance import advance
from worker.ingest import Ingest
from worker.sweep import ring_for_trials
from worker.timing import Timing

log = logging.getLogger(__name__)


class Control:
    """What a control worker does.

    Args:
        database: of the service.
        doorbell: for the train workers.
        ingest: reads datasets.
    """

    def __init__(
        self, *, database: Database, doorbell: Doorbell, ingest: Ingest, timing: Timing
    ) -> None:
        self._database = database
        self._doorbell = doorbell
        self._ingest = ingest
        self._timing = timing

    def read(self, dataset_id: str) -> None:
        """Read a dataset; trials that waited for it can start then."""
        with self._database.snapshot() as tx:
            known = datasets.states(tx, [dataset_id])
        if not known:
            log.warning("there is no dataset %.80s to be read", dataset_id)
            return
        self._ingest.run(dataset_id)
        self._ring()

    def advance(self, experiment_id: str) -> None:
        """Take an experiment's next step."""
        with self._database.snapshot() as tx:
            known = experiments.versions(tx, [experiment_id])
        if not known:
            log.warning("there is no experiment %.80s to be advanced", experiment_id)
            return
        with self._database.transaction() as tx:
            advance(tx, experiment_id)
        self._ring()

    def _ring(self) -> None:
        ring_for_trials(self._database, self._doorbell, self._timing, silent=0.0)
