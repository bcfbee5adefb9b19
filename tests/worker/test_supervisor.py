"""What a supervisor makes of trainers that misbehave. These load no TensorFlow, so it is quick."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.lifecycle import State, StopReason
from models.specs.experiment import Device
from store import experiments, leases
from store.fence import Lease
from tests.worker.inline import ODD_TRAINER, InlineWorker
from tests.worker.site import OWNER, Site, until
from tests.worker.specs import small
from worker.sweep import Sweeper
from worker.timing import Timing

TIMING = Timing(lease=2.0, beat=0.3, order=0.2)


@pytest.fixture
def work(here: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Answers the doorbell in this very process, with a trainer of the kind that is asked for."""

    def run(odd: str) -> None:
        monkeypatch.setenv("EPOCHD_TEST_ODD", odd)
        InlineWorker(here, ODD_TRAINER, TIMING).work()

    return run


@pytest.mark.parametrize(
    ("database_kind", "odd"),
    [
        ("postgresql", "crash"),
        ("sqlite", "hung up"),
        ("postgresql", "unasked"),
        ("sqlite", "another file"),
    ],
    indirect=["database_kind"],
)
def test_a_trial_that_takes_its_trainer_down_three_times_fails_alone(
    here: Site, work: Callable[[str], None], odd: str
) -> None:
    experiment_id = here.submit(small(here.table(), repeats=3, seed=7))

    work(f"poisoned: {odd}")

    trials = here.trials(experiment_id)
    assert [trial.state for trial in trials] == [State.SUCCEEDED, State.FAILED, State.SUCCEEDED]
    assert [len(trial.attempts) for trial in trials] == [1, 3, 1]
    assert trials[1].stop_reason is StopReason.WORKER_LOST
    assert here.experiment(experiment_id).state is State.SUCCEEDED


def test_three_crashes_end_a_trial(here: Site, work: Callable[[str], None]) -> None:
    experiment_id = here.submit(small(here.table()))

    work("crash")

    trial = here.trial(experiment_id)
    assert trial.state is State.FAILED
    assert trial.stop_reason is StopReason.WORKER_LOST
    assert trial.error is not None
    assert "SIGKILL" in trial.error.detail
    assert [attempt.outcome for attempt in trial.attempts] == ["worker_lost"] * 3
    assert here.experiment(experiment_id).state is State.FAILED


def test_rubbish_on_the_pipe_is_logged_once_and_harmless(
    here: Site, work: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    experiment_id = here.submit(small(here.table()))

    with caplog.at_level(logging.WARNING, "worker.process"):
        work("rubbish")

    assert here.trial(experiment_id).state is State.SUCCEEDED
    assert [row.epoch for row in here.epochs(experiment_id)] == [1]
    assert sum("no report" in record.getMessage() for record in caplog.records) == 1


def test_a_trainer_that_does_not_heed_a_cancel_is_ended(
    here: Site, work: Callable[[str], None]
) -> None:
    experiment_id = here.submit(small(here.table()))
    with ThreadPoolExecutor(1) as threads:
        working = threads.submit(work, "deaf")
        until(lambda: here.epochs(experiment_id), "an epoch")

        with here.database.transaction() as tx:
            experiments.cancel(tx, owner=OWNER, experiment_id=experiment_id)
        begun = time.monotonic()
        view = here.wait_until_over(experiment_id)
        took = time.monotonic() - begun
        working.result(10)

    assert view.state is State.CANCELLED
    assert took < 3.0


def test_a_lost_lease_ends_the_training_and_its_results_do_not_count(
    here: Site, work: Callable[[str], None]
) -> None:
    experiment_id = here.submit(small(here.table()))
    with ThreadPoolExecutor(1) as threads:
        working = threads.submit(work, "deaf")
        until(lambda: here.epochs(experiment_id), "an epoch")

        with here.database.transaction() as tx:  # as if the first worker had been silent
            lease = Lease(trial_id=1, experiment_id=experiment_id, number=1, attempt=1)
            leases.release(tx, lease, "a test takes it away")
            taken = leases.claim(tx, worker="another", device=Device.CPU)
        working.result(10)

    assert taken is not None
    assert here.trial(experiment_id).state is State.RUNNING
    assert [attempt.worker for attempt in here.trial(experiment_id).attempts] == ["test", "another"]


def test_a_sweeper_takes_nothing_away_before_one_lease_has_passed(here: Site) -> None:
    experiment_id = here.submit(small(here.table()))
    with here.database.transaction() as tx:
        leases.claim(tx, worker="gone", device=Device.CPU, lease_seconds=0.0)
    timing = Timing(lease=0.5)
    sweeper = Sweeper(database=here.database, doorbell=here.doorbell, timing=timing)

    def swept() -> bool:
        sweeper.sweep()
        return here.trial(experiment_id).state is State.QUEUED

    early = swept()
    until(swept, "expiry", 5.0)

    assert not early
    assert [attempt.outcome for attempt in here.trial(experiment_id).attempts] == ["expired"]
