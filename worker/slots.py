"""The train worker's answer to a doorbell: in a free slot, train until nothing is left to claim."""

import logging

from models.errors import StorageFull, Unavailable
from models.specs.experiment import Device
from store import failpoints, leases
from store.claims import Claim
from store.doorbell import Doorbell
from worker.heartbeat import Heart
from worker.means import Means
from worker.supervise import Attempt
from worker.trainers import Trainers

log = logging.getLogger(__name__)


class Slots:
    """As many trials at a time as there are threads that call `work`.

    Args:
        worker: the name under which trials are claimed.
        device: what they are trained on here.
        trainers: one for each thread.
        doorbell: for work that others should take.
        means: what every attempt works with.
    """

    def __init__(
        self,
        *,
        worker: str,
        device: Device,
        trainers: Trainers,
        doorbell: Doorbell,
        means: Means,
    ) -> None:
        self._worker = worker
        self._device = device
        self._trainers = trainers
        self._doorbell = doorbell
        self._means = means
        self._heart = Heart(means.database, means.timing)

    def work(self) -> None:
        """Claim and train, one trial after another, until there is none or the worker is to end.

        A trainer is borrowed first: a trial is claimed only where it can start at once.
        """
        while self._train_next():
            pass

    def _train_next(self) -> bool:
        """Train one trial; borrowing anew for each lets a trainer that has grown be replaced."""
        with self._trainers.borrow() as trainer:
            if trainer is None or (claim := self._claim()) is None:
                return False
            failpoints.reach(failpoints.Place.CLAIMED)
            queued = Attempt(claim, trainer, self._means, self._heart).run()
            failpoints.reach(failpoints.Place.FINISHED)
            self._doorbell.ring_train(claim.spec.limits.device, queued)
            return True

    def _claim(self) -> Claim | None:
        means = self._means
        if means.drain.is_set():
            return None
        try:
            with means.database.transaction() as tx:
                return leases.claim(
                    tx,
                    worker=self._worker,
                    device=self._device,
                    lease_seconds=means.timing.lease,
                )
        except (Unavailable, StorageFull) as trouble:
            log.warning("nothing can be claimed: %s", trouble)
            return None
