"""What a worker that is to end does when the world does not answer: it ends all the same."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.orm import Session

from models.errors import Unavailable
from models.lifecycle import State
from store.database import Database
from tests.worker.inline import ODD_TRAINER, InlineWorker
from tests.worker.site import Site, until
from tests.worker.specs import small
from worker.timing import Timing

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
    experiment_id = here.submit(small(here.table()))
    with _severed(database_url) as database:
        with InlineWorker(here, ODD_TRAINER, TIMING, database=database).working():
            until(lambda: here.epochs(experiment_id), "an epoch")
            database.cut.set()
            begun = time.monotonic()
        took = time.monotonic() - begun

    assert TIMING.away <= took < 10.0
    assert here.trial(experiment_id).state is State.RUNNING  # until its lease runs out


@contextmanager
def _severed(url: str) -> Iterator[Severed]:
    database = Severed(url)
    yield database
    database.dispose()
