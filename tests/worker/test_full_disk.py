"""A database whose disk is full for a moment costs no training and mixes up no two trials."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.orm import Session

from models.errors import StorageFull
from models.lifecycle import State
from store.database import Database
from tests.worker.inline import ODD_TRAINER, InlineWorker
from tests.worker.site import Site
from tests.worker.specs import small
from worker.timing import Timing

RATES = {"strategy": "learning_rates", "values": [0.01, 0.1]}


class FullForAMoment(Database):
    """Has no room at the transactions of these numbers, counted from 1."""

    def __init__(self, url: str, full: set[int]) -> None:
        super().__init__(url)
        self._full = full
        self._numbers = itertools.count(1)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        if next(self._numbers) in self._full:
            raise StorageFull
        with super().transaction() as tx:
            yield tx


def test_a_full_disk_is_waited_for_and_the_next_trial_gets_only_its_own_epochs(
    here: Site,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EPOCHD_TEST_ODD", "slow")
    with _full_for_a_moment(database_url, {3}) as database:
        experiment_id = here.submit(small(here.table(), search=RATES))

        InlineWorker(here, ODD_TRAINER, Timing(lease=20.0), database=database).work()

        assert [trial.state for trial in here.trials(experiment_id)] == [State.SUCCEEDED] * 2
        losses = [
            [row.metrics["loss"] for row in here.epochs(experiment_id, number)] for number in (1, 2)
        ]
        assert losses == [[1.0, 1.0], [2.0, 2.0]]


def test_a_claim_on_a_full_disk_is_left_for_the_next_ring(here: Site, database_url: str) -> None:
    with _full_for_a_moment(database_url, {1}) as database:
        experiment_id = here.submit(small(here.table()))
        InlineWorker(here, ODD_TRAINER, Timing(lease=20.0), database=database).work()
        assert here.trial(experiment_id).state is State.QUEUED


@contextmanager
def _full_for_a_moment(url: str, full: set[int]) -> Iterator[Database]:
    database = FullForAMoment(url, full)
    yield database
    database.dispose()
