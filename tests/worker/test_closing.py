"""The end of a trial is written whole or tried again, also where the database fails amidst it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.errors import Unavailable
from models.lifecycle import State
from models.tables.trials import TrialRow
from store import events
from store.database import Database
from tests.servers.databases import Kind
from tests.worker.inline import ODD_TRAINER, SCRIPTED_TRAINER, InlineWorker
from tests.worker.scripted import Script, one_database, submit
from tests.worker.site import Site
from tests.worker.specs import small
from worker import closing
from worker.advance import advance
from worker.timing import Timing


def fill_the_disk(tx: Session, experiment_id: str) -> None:
    """Allow the file no further page, and use up those that it has; SQLite rolls back by itself."""
    sqlite = tx.connection().connection.driver_connection
    assert sqlite is not None
    try:
        pages = tx.execute(text("PRAGMA page_count")).scalar_one()
        tx.execute(text(f"PRAGMA max_page_count={pages}"))
        for _ in range(200):
            events.append(tx, experiment_id, [events.Fact(kind="filler", reason="x" * 400)])
    finally:
        sqlite.execute("PRAGMA max_page_count=1073741823")


def lose_the_connection(tx: Session, experiment_id: str) -> None:
    del experiment_id
    tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def test_a_database_that_fails_after_a_trial_ended_does_not_lose_the_end(
    here: Site, database_kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    harms = [fill_the_disk if database_kind == "sqlite" else lose_the_connection]

    def harmed(tx: Session, experiment_id: str) -> int:
        if harms:
            harms.pop()(tx, experiment_id)
        return advance(tx, experiment_id)

    monkeypatch.setattr(closing, "advance", harmed)
    monkeypatch.setenv("EPOCHD_TEST_ODD", "slow")
    experiment_id = here.submit(small(here.table()))

    InlineWorker(here, ODD_TRAINER).work()

    assert harms == []
    assert here.experiment(experiment_id).state is State.SUCCEEDED
    assert [attempt.outcome for attempt in here.trial(experiment_id).attempts] == ["completed"]
    assert [row.epoch for row in here.epochs(experiment_id)] == [1, 2]


@one_database
def test_an_end_that_waits_is_told_of_once_at_its_beginning_and_once_at_its_end(
    here: Site,
    database_url: str,
    script: Script,
    caplog: pytest.LogCaptureFixture,
) -> None:
    script({})
    experiment_id = submit(here)
    database = AwayForEnds(database_url, times=3)

    InlineWorker(here, SCRIPTED_TRAINER, Timing(flush=0.05), database=database).work()
    database.dispose()

    assert here.trial(experiment_id).state is State.SUCCEEDED
    told = [line for line in caplog.messages if line.startswith("the end of")]
    assert [" waits: " in line for line in told] == [True, False]


class AwayForEnds(Database):
    """Goes away when a trial's end is to be committed, the first so many times."""

    def __init__(self, url: str, times: int) -> None:
        super().__init__(url)
        self._times = times

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as tx:
            yield tx
            ended = tx.scalar(select(TrialRow.id).where(TrialRow.state == State.SUCCEEDED))
            if ended is not None and self._times:
                self._times -= 1
                raise Unavailable


def test_a_step_that_cannot_be_taken_does_not_undo_the_end(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(tx: Session, experiment_id: str) -> int:
        raise ZeroDivisionError(tx, experiment_id)

    monkeypatch.setattr(closing, "advance", mistaken)
    monkeypatch.setenv("EPOCHD_TEST_ODD", "slow")
    experiment_id = here.submit(small(here.table()))

    InlineWorker(here, ODD_TRAINER).work()

    assert here.trial(experiment_id).state is State.SUCCEEDED
    assert here.experiment(experiment_id).state is State.RUNNING
