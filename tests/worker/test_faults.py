"""Processes that are killed, told to end, or cut off: the trials get through all the same."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from epochd.embedded.leash import Leash
from models.lifecycle import State
from models.views.trial import TrialView
from store import experiments
from tests.servers.databases import Databases
from tests.servers.valkey import ValkeyServer
from tests.worker.site import OWNER, Site, WorkerProcess, site, until
from tests.worker.specs import endless, small

LEASE_SECONDS = 3.0


def holder(found: Site, trial: TrialView) -> WorkerProcess:
    """The worker process that holds a running trial; its pid is part of its name."""
    name = trial.attempts[-1].worker
    return next(worker for worker in found.running if f":{worker.pid}:" in name)


def trainers(worker: WorkerProcess) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(worker.pid).children()
        if "worker.trainer.main" in child.cmdline()
    ]


def cancel(found: Site, experiment_id: str) -> None:
    with found.database.transaction() as tx:
        experiments.cancel(tx, owner=OWNER, experiment_id=experiment_id)
    found.wait_until_over(experiment_id)


def in_other_hands(found: Site, experiment_id: str, after: int) -> TrialView | None:
    """The trial, once an attempt after that number has shown its first epoch."""
    trial, epochs = found.trial(experiment_id), found.epochs(experiment_id, limit=1)
    begun = trial.attempts and trial.attempts[-1].number > after and epochs
    return trial if begun and epochs[0].finished_at > trial.attempts[-1].started_at else None


def test_two_workers_share_the_trials_of_an_experiment(postgresql_site: Site) -> None:
    found = postgresql_site
    found.have_trainers(2)
    rates = {"strategy": "learning_rates", "values": [0.001, 0.01, 0.02, 0.1]}
    experiment_id = found.submit(
        small(found.table(), search=rates, fit={"epochs": 40, "early_stopping": None})
    )

    found.wait_until_over(experiment_id)

    workers = {trial.attempts[0].worker for trial in found.trials(experiment_id)}
    assert len(workers) == 2


def test_a_worker_that_is_told_to_end_hands_its_trial_to_another(postgresql_site: Site) -> None:
    found = postgresql_site
    found.have_trainers(2)
    experiment_id = found.submit(endless(found.table()))
    worker = holder(found, found.wait_for_epoch(experiment_id))
    trainer = trainers(worker)

    begun = time.monotonic()
    os.kill(worker.pid, signal.SIGTERM)
    status = worker.end(signal.SIGTERM)  # a second one changes nothing
    took = time.monotonic() - begun

    trial = until(lambda: in_other_hands(found, experiment_id, 1), "another attempt")
    assert status == 0
    assert took < 30
    assert not any(process.is_running() for process in trainer)
    assert [attempt.outcome for attempt in trial.attempts] == ["released", None]
    assert trial.attempts[0].worker != trial.attempts[1].worker
    cancel(found, experiment_id)


def test_the_trial_of_a_killed_worker_goes_to_another_when_its_lease_is_over(
    postgresql_site: Site,
) -> None:
    found = postgresql_site
    found.have_trainers(2)
    experiment_id = found.submit(endless(found.table()))
    worker = holder(found, found.wait_for_epoch(experiment_id))
    trainer = trainers(worker)

    worker.end(signal.SIGKILL)
    psutil.wait_procs(trainer, timeout=5)
    left_behind = [process for process in trainer if process.is_running()]

    trial = until(lambda: in_other_hands(found, experiment_id, 1), "another attempt")
    assert left_behind == []
    assert [attempt.outcome for attempt in trial.attempts] == ["expired", None]
    rows = found.epochs(experiment_id)
    assert [row.epoch for row in rows] == list(range(1, len(rows) + 1))
    cancel(found, experiment_id)


def test_a_trial_whose_trainer_is_killed_is_trained_again(sqlite_site: Site) -> None:
    found = sqlite_site
    experiment_id = found.submit(endless(found.table()))
    (trainer,) = trainers(holder(found, found.wait_for_epoch(experiment_id)))

    trainer.kill()

    trial = until(lambda: in_other_hands(found, experiment_id, 1), "another attempt")
    assert [attempt.outcome for attempt in trial.attempts] == ["worker_lost", None]
    cancel(found, experiment_id)


@pytest.fixture
def own_broker(tmp_path: Path, leash: Leash) -> Iterator[ValkeyServer]:
    """A broker that a test may stop."""
    folder = tmp_path / "valkey"
    folder.mkdir()
    server = ValkeyServer(folder, leash)
    server.start()
    yield server
    server.stop()


def test_what_was_submitted_while_the_broker_was_away_is_trained_when_it_is_back(
    own_broker: ValkeyServer, databases: Databases, leash: Leash, tmp_path: Path
) -> None:
    artifacts = tmp_path / "artifacts"
    artifacts.mkdir()
    with (
        databases.fresh("sqlite") as url,
        site(database_url=url, broker_url=own_broker.url(), folder=artifacts, leash=leash) as found,
    ):
        found.start()
        found.wait_for_workers(1)
        own_broker.stop(signal.SIGKILL)

        begun = time.monotonic()
        experiment_id = found.submit(small(found.table()))
        took = time.monotonic() - begun
        own_broker.start()

        assert took < 2.0
        assert found.wait_until_over(experiment_id).state is State.SUCCEEDED
