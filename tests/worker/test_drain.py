"""What a worker that is to end does when the world does not answer: it ends all the same."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy.orm import Session

from models.errors import Unavailable
from models.lifecycle import State
from models.specs.experiment import Device
from store.database import Database
from tests.worker.site import Site, until
from tests.worker.specs import small
from worker.process import TrainerSettings
from worker.slots import Slots
from worker.supervise import Means
from worker.timing import Timing
from worker.trainers import Trainers

TIMING = Timing(away=1.0)


class Severed(Database):
    """Is away once it was cut off."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.cut = threading.Event()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        if self.cut.is_set():
            raise Unavailable
        with super().transaction() as tx:
            yield tx


def test_a_worker_that_is_to_end_does_not_wait_for_ever_for_its_database(
    here: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHD_TEST_ODD", "slow")
    settings = TrainerSettings(threads=1, device=Device.CPU, module="tests.worker.odd_trainer")
    drain = threading.Event()
    experiment_id = here.submit(small(here.table()))
    with (
        _severed(database_url) as database,
        closing(Trainers(1, settings, drain)) as trainers,
    ):
        means = Means(database=database, artifacts=here.artifacts, drain=drain, timing=TIMING)
        slots = Slots(
            worker="test", device=Device.CPU, trainers=trainers, doorbell=here.doorbell, means=means
        )
        working = threading.Thread(target=slots.work, daemon=True)
        working.start()
        until(lambda: here.epochs(experiment_id), "an epoch")

        database.cut.set()
        drain.set()
        begun = time.monotonic()
        working.join(10.0)

        assert not working.is_alive()
        assert time.monotonic() - begun >= TIMING.away
    assert here.trial(experiment_id).state is State.RUNNING  # until its lease runs out


@contextmanager
def _severed(url: str) -> Iterator[Severed]:
    database = Severed(url)
    yield database
    database.dispose()
