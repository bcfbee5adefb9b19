"""Who gets which trial, one at a time and all at once."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text, update

from models.lifecycle import State, StopReason
from models.specs.experiment import Device
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from store import experiments, leases, trials
from store.database import Database
from store.fence import Lease
from store.outcomes import Succeeded
from tests.servers.databases import Kind
from tests.store.scenes import PROFILE, Scene, planned

CLAIMERS = 8
DONE = Succeeded(stop_reason=StopReason.COMPLETED)


def test_a_claim_brings_all_that_is_needed_to_train(scene: Scene) -> None:
    experiment_id = scene.submit(2)
    claim = scene.claim("worker-1")
    assert claim is not None
    assert (claim.lease.experiment_id, claim.lease.number) == (experiment_id, 1)
    assert claim.lease.attempt == 1
    assert claim.spec.network is not None
    assert claim.changes == {"compile.optimizer.learning_rate": 0.1}
    assert claim.seed == 7
    assert claim.profile == PROFILE
    assert claim.folder == f"datasets/{'0' * 64}/1"


def test_a_claimed_trial_runs_and_so_does_its_experiment(scene: Scene) -> None:
    experiment_id = scene.submit(2)
    scene.must_claim("worker-1")
    trial, experiment = scene.trial(experiment_id), scene.experiment(experiment_id)
    assert trial.state is State.RUNNING
    assert trial.started_at is not None
    assert [(a.number, a.worker, a.ended_at) for a in trial.attempts] == [(1, "worker-1", None)]
    assert experiment.state is State.RUNNING
    assert experiment.progress.trials == {State.RUNNING: 1, State.QUEUED: 1}


def test_there_is_nothing_to_claim_in_an_empty_queue(scene: Scene) -> None:
    assert scene.claim() is None


def test_the_most_urgent_goes_first_then_the_oldest_then_by_number(scene: Scene) -> None:
    old = scene.submit(2)
    young = scene.submit(1)
    urgent = scene.submit(1, priority=5)
    patient = scene.submit(1, priority=-5)
    served = [scene.must_claim() for _ in range(5)]
    assert [lease.experiment_id for lease in served] == [urgent, old, old, young, patient]
    assert [lease.number for lease in served[1:3]] == [1, 2]


def test_trials_that_a_search_adds_later_keep_their_experiments_place(scene: Scene) -> None:
    old, young = scene.submit(1), scene.submit(2)
    with scene.database.transaction() as tx:
        trials.add(tx, old, planned(1))
    assert [scene.must_claim().experiment_id for _ in range(3)] == [old, old, young]


def test_no_more_trials_run_than_max_parallel(scene: Scene) -> None:
    first = scene.submit(3, max_parallel=2)
    second = scene.submit(1)
    served = [scene.must_claim() for _ in range(3)]
    assert [lease.experiment_id for lease in served] == [first, first, second]
    assert scene.claim() is None
    scene.finish(served[0], DONE)
    assert scene.must_claim().number == 3


def test_a_worker_gets_what_fits_its_device(scene: Scene) -> None:
    for_gpu = scene.submit(1, device="gpu")
    for_any = scene.submit(1, device="any")
    for_cpu = scene.submit(1, device="cpu")
    assert scene.must_claim().experiment_id == for_any
    gpu = scene.claim(device=Device.GPU)
    assert gpu is not None
    assert gpu.lease.experiment_id == for_gpu
    assert scene.claim(device=Device.GPU) is None
    assert scene.must_claim().experiment_id == for_cpu


def test_a_trial_waits_for_its_data(scene: Scene) -> None:
    scene.add_dataset(ready=False, sha256="1" * 64)
    scene.submit()
    assert scene.claim() is None


def test_nothing_of_a_cancelled_experiment_is_claimed(scene: Scene) -> None:
    experiment_id = scene.submit(3)
    scene.must_claim()
    with scene.database.transaction() as tx:
        experiments.cancel(tx, owner="local", experiment_id=experiment_id)
    assert scene.claim() is None


def test_claimers_at_once_get_each_trial_once_and_respect_max_parallel(scene: Scene) -> None:
    limits = [1, 3, 5, 50]
    for max_parallel in limits:
        scene.submit(50, max_parallel=max_parallel)
    taken: list[Lease] = []
    too_many: list[str] = []
    lock = threading.Lock()

    def work(name: int) -> None:
        database = Database(scene.database.url)
        mine = Scene(database)
        empty = 0
        while empty < 5:
            claim = mine.claim(f"worker-{name}")
            if claim is None:
                empty += 1
                continue
            empty = 0
            running = _running(database, claim.lease.experiment_id)
            with lock:
                taken.append(claim.lease)
                if running > claim.spec.limits.max_parallel:
                    too_many.append(f"{running} > {claim.spec.limits.max_parallel}")
            mine.finish(claim.lease, DONE)
        database.dispose()

    with ThreadPoolExecutor(CLAIMERS) as claimers:
        list(claimers.map(work, range(CLAIMERS)))
    counts = Counter((lease.experiment_id, lease.number) for lease in taken)
    assert len(counts) == 200
    assert set(counts.values()) == {1}
    assert {lease.attempt for lease in taken} == {1}
    assert too_many == []


def test_a_claim_that_waited_in_vain_leaves_the_experiment_unlocked(
    scene: Scene, database_kind: Kind
) -> None:
    if database_kind == "sqlite":
        pytest.skip("a writer there locks everything until it commits")
    experiment_id = scene.submit(2, max_parallel=1)

    def claim_late() -> None:
        with scene.database.transaction() as tx:
            assert leases.claim(tx, worker="late", device=Device.CPU) is None
            with scene.database.transaction() as other:
                row = select(ExperimentRow.id).where(ExperimentRow.id == experiment_id)
                assert other.scalar(row.with_for_update(nowait=True)) == experiment_id

    with ThreadPoolExecutor(1) as thread:
        with scene.database.transaction() as tx:
            assert leases.claim(tx, worker="first", device=Device.CPU) is not None
            late = thread.submit(claim_late)
            _wait_until_somebody_waits(scene.database)
        late.result(10)


def _wait_until_somebody_waits(database: Database) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    until = time.monotonic() + 5
    while time.monotonic() < until:
        with database.snapshot() as tx:
            if tx.scalar(waiting):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


def _running(database: Database, experiment_id: str) -> int:
    with database.snapshot() as tx:
        return tx.scalars(
            select(func.count()).where(
                TrialRow.experiment_id == experiment_id, TrialRow.state == State.RUNNING
            )
        ).one()


def test_a_lease_is_good_for_the_seconds_it_was_given(scene: Scene) -> None:
    experiment_id = scene.submit()
    scene.must_claim(seconds=30)
    with scene.database.transaction() as tx:
        assert leases.expire(tx) == ()
    assert scene.trial(experiment_id).state is State.RUNNING


def test_a_spec_that_cannot_be_read_fails_its_own_trials_and_holds_up_nobody(scene: Scene) -> None:
    poison = scene.submit(2, priority=5)
    other = scene.submit()
    with scene.database.transaction() as tx:  # as if a later version had renamed a field
        tx.execute(
            update(ExperimentRow)
            .where(ExperimentRow.id == poison)
            .values(spec={"dataset": "of old"})
        )

    assert scene.must_claim().experiment_id == other

    for number in (1, 2):
        trial = scene.trial(poison, number)
        assert (trial.state, trial.stop_reason) == (State.FAILED, StopReason.ERROR)
        assert trial.error is not None
        assert trial.error.code == "unreadable_spec"
        assert "data: Field required" in trial.error.detail
        assert trial.attempts == ()
    assert scene.claim() is None
