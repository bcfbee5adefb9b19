"""The end of a trial is written whole or tried again, also where the database fails amidst it."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models.lifecycle import State
from store import events
from tests.servers.databases import Kind
from tests.worker.inline import ODD_TRAINER, InlineWorker
from tests.worker.site import Site
from tests.worker.specs import small
from worker import closing
from worker.advance import advance


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
