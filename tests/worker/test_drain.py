"""What a worker that is to end does when the world does not answer: it ends all the same."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy.orm import Session

from models.errors import Unavailable
from models.lifecycle import State
from store.database import Database
from tests.worker.inline import ODD_TRAINER, SCRIPTED_TRAINER, InlineWorker
from tests.worker.scripted import Script, one_database, submit
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


@one_database
def test_a_worker_that_is_to_end_does_not_wait_long_for_a_locked_sqlite(
    here: Site, database_url: str, script: Script
) -> None:
    script({2: ["hold"]})
    experiment_id = submit(here)
    drain = threading.Event()
    database = Database(database_url, hurry=drain)
    timing = Timing(away=1.0, flush=0.05)
    with ExitStack() as at_the_end:
        at_the_end.callback(database.dispose)
        worker = InlineWorker(here, SCRIPTED_TRAINER, timing, database=database)
        with worker.working(drain):
            until(lambda: len(here.epochs(experiment_id)) == 2, "two epochs")
            at_the_end.enter_context(_locked(database_url))
            begun = time.monotonic()
        took = time.monotonic() - begun

    assert took < 10.0
    assert here.trial(experiment_id).state is State.RUNNING  # until its lease runs out


@contextmanager
def _locked(url: str) -> Iterator[None]:
    """Hold the one lock that there is, as a backup does that hangs."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@contextmanager
def _severed(url: str) -> Iterator[Severed]:
    database = Severed(url)
    yield database
    database.dispose()
