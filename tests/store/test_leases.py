"""What a lease allows, how it ends, and that who lost it can write nothing any more."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from models.errors import IllegalMove, LeaseLost, NotFound
from models.findings import Check, Finding, Judgement
from models.lifecycle import State, StopReason
from models.views.base import Problem
from store import clock, epochs, experiments, history, leases, trainings, trials
from store.artifacts import Stored
from store.fence import Lease
from store.leases import Order
from store.outcomes import Cancelled, Failed, Outcome, Succeeded
from tests.store.scenes import OWNER, Scene, beat, epoch
from worker.advance import advance

DONE = Succeeded(stop_reason=StopReason.COMPLETED)
BROKEN = Failed(
    stop_reason=StopReason.ERROR,
    problem=Problem(title="The trainer failed", detail="It said why.", code="error"),
)
FINDING = Finding(
    code="dead_neurons", severity="problem", evidence="60 %", explanation="…", advice="…"
)
CHECK = Check(code="diverged", outcome="found", reason="The loss was nan.")


def _cancel(scene: Scene, lease: Lease) -> None:
    with scene.database.transaction() as tx:
        trials.cancel(tx, owner=OWNER, experiment_id=lease.experiment_id, number=lease.number)


def _expire(scene: Scene, *, max_crashes: int = 3) -> None:
    with scene.database.transaction() as tx:
        leases.expire(tx, max_crashes)


def test_a_beat_keeps_the_trial(scene: Scene) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim(seconds=0)
    with scene.database.transaction() as tx:
        assert beat(tx, lease) is Order.GO_ON
    _expire(scene)
    assert scene.trial(experiment_id).state is State.RUNNING


def test_a_beat_brings_the_cancel(scene: Scene) -> None:
    scene.submit()
    lease = scene.must_claim()
    _cancel(scene, lease)
    with scene.database.transaction() as tx:
        assert beat(tx, lease) is Order.CANCEL


def test_a_lease_that_ran_out_is_still_good_until_somebody_takes_it(scene: Scene) -> None:
    scene.submit()
    lease = scene.must_claim(seconds=-5)
    with scene.database.transaction() as tx:
        assert beat(tx, lease) is Order.GO_ON


def test_a_silent_workers_trial_goes_back_to_the_queue_and_to_another(scene: Scene) -> None:
    experiment_id = scene.submit()
    scene.must_claim("first", seconds=-1)
    with scene.database.transaction() as tx:
        (expired,) = leases.expire(tx)
    assert (expired.worker, expired.crashes, expired.state) == ("first", 1, State.QUEUED)
    second = scene.must_claim("second")
    assert second.attempt == 2
    outcomes = [(a.worker, a.outcome) for a in scene.trial(experiment_id).attempts]
    assert outcomes == [("first", "expired"), ("second", None)]


def test_who_was_overdue_only_after_the_moment_that_is_judged_keeps_its_trial(
    scene: Scene,
) -> None:
    experiment_id = scene.submit()
    with scene.database.snapshot() as tx:
        before = clock.read(tx)
    scene.must_claim(seconds=0)
    with scene.database.transaction() as tx:
        assert leases.expire(tx, before=before) == ()
    with scene.database.snapshot() as tx:
        after = clock.read(tx)
    with scene.database.transaction() as tx:
        assert len(leases.expire(tx, before=after)) == 1
    assert scene.trial(experiment_id).state is State.QUEUED


def test_the_third_crash_ends_a_trial_as_worker_lost(scene: Scene) -> None:
    experiment_id = scene.submit(2)
    for _ in range(3):
        scene.must_claim(seconds=-1)
        _expire(scene)
    trial = scene.trial(experiment_id)
    assert (trial.state, trial.stop_reason) == (State.FAILED, StopReason.WORKER_LOST)
    assert trial.error is not None
    assert trial.error.code == "worker_lost"
    assert scene.must_claim().number == 2


def test_a_silent_workers_trial_that_was_to_be_cancelled_is_cancelled(scene: Scene) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim(seconds=-1)
    _cancel(scene, lease)
    _expire(scene)
    trial = scene.trial(experiment_id)
    assert (trial.state, trial.stop_reason) == (State.CANCELLED, StopReason.CANCELLED)


def test_a_trainer_that_dies_three_times_takes_its_trial_along(scene: Scene) -> None:
    experiment_id = scene.submit()
    killed = Failed(
        stop_reason=StopReason.OUT_OF_MEMORY,
        problem=Problem(title="Out of memory", detail="It was killed.", code="out_of_memory"),
    )
    states = []
    for _ in range(3):
        lease = scene.must_claim()
        with scene.database.transaction() as tx:
            states.append(leases.crashed(tx, lease, killed))
    assert states == [State.QUEUED, State.QUEUED, State.FAILED]
    trial = scene.trial(experiment_id)
    assert trial.stop_reason is StopReason.OUT_OF_MEMORY
    assert [a.outcome for a in trial.attempts] == ["out_of_memory"] * 3


def test_a_drain_gives_the_trial_back_without_counting_a_crash(scene: Scene) -> None:
    experiment_id = scene.submit()
    for _ in range(4):
        lease = scene.must_claim()
        with scene.database.transaction() as tx:
            assert leases.release(tx, lease, "The worker drains.") is State.QUEUED
    trial = scene.trial(experiment_id)
    assert trial.state is State.QUEUED
    assert [a.outcome for a in trial.attempts] == ["released"] * 4


def test_a_drained_trial_that_was_to_be_cancelled_is_cancelled(scene: Scene) -> None:
    scene.submit()
    lease = scene.must_claim()
    _cancel(scene, lease)
    with scene.database.transaction() as tx:
        assert leases.release(tx, lease, "The worker drains.") is State.CANCELLED


def test_a_success_leaves_its_network_findings_and_engine(scene: Scene) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim()
    scene.append(lease, epoch(1, 0.5))
    network = Stored("experiments/e/1/1/network.keras", "f" * 64, 1234)
    outcome = Succeeded(
        stop_reason=StopReason.EARLY_STOPPED,
        network=network,
        judgement=Judgement(findings=(FINDING,), checks=(CHECK,)),
        engine={"device": "cpu"},
    )
    assert scene.finish(lease, outcome) is State.SUCCEEDED
    trial = scene.trial(experiment_id)
    assert trial.stop_reason is StopReason.EARLY_STOPPED
    assert trial.findings == (FINDING,)
    with scene.database.snapshot() as tx:
        training = trainings.get(tx, owner=OWNER, experiment_id=experiment_id, number=1)
    assert (training.findings, training.checks) == ((FINDING,), (CHECK,))
    assert trial.engine == {"device": "cpu"}
    assert trial.best is not None
    assert (trial.best.metric, trial.best.value, trial.best.epoch) == ("val_loss", 0.5, 1)
    with scene.database.snapshot() as tx:
        found = trials.network(tx, owner=OWNER, experiment_id=experiment_id, number=1)
    assert found == network


def test_a_trial_without_a_network_says_so(scene: Scene) -> None:
    experiment_id = scene.submit()
    with pytest.raises(NotFound, match="no network"), scene.database.snapshot() as tx:
        trials.network(tx, owner=OWNER, experiment_id=experiment_id, number=1)


def test_a_diverged_trial_succeeds_without_a_score(scene: Scene) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim()
    scene.append(lease, epoch(1, 0.5), epoch(2, float("nan")))
    scene.finish(lease, Succeeded(stop_reason=StopReason.DIVERGED))
    trial = scene.trial(experiment_id)
    assert (trial.state, trial.stop_reason) == (State.SUCCEEDED, StopReason.DIVERGED)
    assert trial.best is None
    with scene.database.snapshot() as tx:
        assert history.results(tx, experiment_id)[0].score is None


def test_a_failure_says_why(scene: Scene) -> None:
    experiment_id = scene.submit()
    assert scene.finish(scene.must_claim(), BROKEN) is State.FAILED
    assert scene.trial(experiment_id).error == BROKEN.problem


@pytest.mark.parametrize("outcome", [DONE, BROKEN, Cancelled()])
def test_whatever_a_cancelled_trial_came_to_it_ends_as_cancelled(
    scene: Scene, outcome: Outcome
) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim()
    _cancel(scene, lease)
    assert scene.finish(lease, outcome) is State.CANCELLED
    assert scene.trial(experiment_id).stop_reason is StopReason.CANCELLED


def test_a_trial_is_not_cancelled_by_its_worker_alone(scene: Scene) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim()
    with pytest.raises(IllegalMove):
        scene.finish(lease, Cancelled())
    assert scene.trial(experiment_id).state is State.RUNNING


WRITES: dict[str, Callable[[Session, Lease], object]] = {
    "renew": beat,
    "describe": lambda tx, lease: leases.describe(tx, lease, {"device": "cpu"}),
    "append": lambda tx, lease: epochs.append(tx, lease, [epoch(1)]),
    "release": lambda tx, lease: leases.release(tx, lease, "drain"),
    "crashed": lambda tx, lease: leases.crashed(tx, lease, BROKEN),
    "finish": lambda tx, lease: leases.finish(tx, lease, DONE),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("after", ["expired", "claimed anew", "finished", "deleted"])
def test_who_lost_a_trial_can_write_nothing(scene: Scene, write: str, after: str) -> None:
    experiment_id = scene.submit()
    stale = scene.must_claim("stale", seconds=-1)
    if after == "finished":
        scene.finish(stale, DONE)
    else:
        _expire(scene)
    if after == "claimed anew":
        scene.must_claim("fresh")
    if after == "deleted":
        with scene.database.transaction() as tx:
            experiments.cancel(tx, owner=OWNER, experiment_id=experiment_id)
            advance(tx, experiment_id)
            experiments.delete(tx, owner=OWNER, experiment_id=experiment_id)
        experiment_id = scene.submit()
        scene.must_claim("fresh")  # has a fresh trial id, although the old one is free again
    before = scene.experiment(experiment_id), scene.trial(experiment_id)

    with pytest.raises(LeaseLost), scene.database.transaction() as tx:
        WRITES[write](tx, stale)

    assert scene.trial(experiment_id) == before[1]
    assert scene.experiment(experiment_id).version == before[0].version


def test_two_sweepers_at_once_count_one_crash(scene: Scene) -> None:
    experiment_id = scene.submit()
    scene.must_claim(seconds=-1)
    with scene.database.transaction() as tx:
        first = leases.expire(tx)
    with scene.database.transaction() as tx:
        second = leases.expire(tx)
    assert (len(first), len(second)) == (1, 0)
    assert scene.trial(experiment_id).state is State.QUEUED
