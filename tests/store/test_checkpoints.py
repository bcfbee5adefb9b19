"""Checkpoints belong to whoever holds the trial, two at a time, and none outlives its trial."""

import pytest

from models.errors import LeaseLost
from models.lifecycle import State, StopReason
from models.tables.datasets import ArtifactRow
from models.views.base import Problem
from store import checkpoints, experiments, keys, leases, orphans, trials
from store.artifacts import Stored
from store.fence import Lease
from store.outcomes import Cancelled, Failed, Outcome, Succeeded
from tests.store.scenes import OWNER, Scene, epoch

DONE = Succeeded(stop_reason=StopReason.COMPLETED)
BROKEN = Failed(
    stop_reason=StopReason.ERROR, problem=Problem(title="It failed", detail="Why.", code="error")
)


def stored(lease: Lease, number: int) -> Stored:
    key = keys.checkpoint(lease.experiment_id, lease.number, lease.attempt, number)
    return Stored(key, f"{number:064x}", 100 + number)


def keep(scene: Scene, lease: Lease, number: int) -> tuple[str, ...]:
    with scene.database.transaction() as tx:
        return checkpoints.register(tx, lease, number, stored(lease, number))


def kept(scene: Scene, lease: Lease) -> list[int]:
    with scene.database.snapshot() as tx:
        return [checkpoint.epoch for checkpoint in checkpoints.of(tx, lease)]


def rows(scene: Scene) -> int:
    with scene.database.snapshot() as tx:
        return tx.query(ArtifactRow).count()


def release(scene: Scene, lease: Lease) -> None:
    with scene.database.transaction() as tx:
        leases.release(tx, lease, "a test")


def test_the_newest_two_are_kept_and_the_others_are_named_to_be_deleted(scene: Scene) -> None:
    scene.submit()
    lease = scene.must_claim()
    superfluous = [keep(scene, lease, number) for number in (1, 2, 4)]
    assert superfluous == [(), (), (stored(lease, 1).key,)]
    assert kept(scene, lease) == [4, 2]


def test_to_register_one_again_changes_nothing(scene: Scene) -> None:
    scene.submit()
    lease = scene.must_claim()
    assert [keep(scene, lease, number) for number in (3, 3)] == [(), ()]
    assert kept(scene, lease) == [3]


def test_the_next_attempt_finds_them_with_the_training_time_up_to_each(scene: Scene) -> None:
    scene.submit()
    first = scene.must_claim()
    scene.append(first, *(epoch(number) for number in range(1, 6)))  # half a second each
    keep(scene, first, 2)
    keep(scene, first, 4)
    release(scene, first)

    claim = scene.claim()

    assert claim is not None
    assert [(c.attempt, c.epoch, c.seconds) for c in claim.checkpoints] == [
        (1, 4, 2.0),
        (1, 2, 1.0),
    ]
    assert claim.checkpoints[0].key == stored(first, 4).key
    assert claim.checkpoints[0].sha256 == stored(first, 4).sha256


def test_what_a_later_attempt_stores_is_newer_whatever_its_epoch(scene: Scene) -> None:
    scene.submit()
    first = scene.must_claim()
    keep(scene, first, 7)
    keep(scene, first, 9)
    release(scene, first)
    second = scene.must_claim()
    with scene.database.transaction() as tx:  # the newest was damaged
        checkpoints.forget(tx, second, [stored(first, 9).key])
    assert keep(scene, second, 8) == ()
    assert kept(scene, second) == [8, 7]


def test_a_stale_attempt_can_neither_register_nor_drop_one(scene: Scene) -> None:
    scene.submit()
    stale = scene.must_claim()
    keep(scene, stale, 1)
    release(scene, stale)
    fresh = scene.must_claim()
    with pytest.raises(LeaseLost):
        keep(scene, stale, 2)
    with pytest.raises(LeaseLost), scene.database.transaction() as tx:
        checkpoints.forget(tx, stale, [stored(stale, 1).key])
    assert kept(scene, fresh) == [1]


@pytest.mark.parametrize("outcome", [DONE, BROKEN, Cancelled()])
def test_none_outlives_its_trial(scene: Scene, outcome: Outcome) -> None:
    experiment_id = scene.submit(2)
    lease, sibling = scene.must_claim(), scene.must_claim()
    keep(scene, lease, 1)
    keep(scene, sibling, 1)
    if isinstance(outcome, Cancelled):
        with scene.database.transaction() as tx:
            trials.cancel(tx, owner=OWNER, experiment_id=experiment_id, number=1)
    scene.finish(lease, outcome)
    assert (kept(scene, lease), kept(scene, sibling)) == ([], [1])


def test_none_outlives_a_trial_that_is_given_up_or_cancelled_in_the_queue(scene: Scene) -> None:
    experiment_id = scene.submit()
    keep(scene, scene.must_claim(seconds=-1), 1)
    with scene.database.transaction() as tx:
        leases.expire(tx)
    assert rows(scene) == 1
    with scene.database.transaction() as tx:
        experiments.cancel(tx, owner=OWNER, experiment_id=experiment_id)
    assert (rows(scene), scene.trial(experiment_id).state) == (0, State.CANCELLED)
    scene.submit()
    keep(scene, scene.must_claim(seconds=-1), 1)
    with scene.database.transaction() as tx:
        leases.expire(tx, max_crashes=1)
    assert rows(scene) == 0


def test_an_attempt_that_had_nothing_left_to_train_keeps_what_its_checkpoint_knows(
    scene: Scene,
) -> None:
    experiment_id = scene.submit()
    first = scene.must_claim()
    scene.append(first, *(epoch(number, 1 / number) for number in (1, 2, 3)))
    keep(scene, first, 2)
    release(scene, first)
    second = scene.must_claim()
    with scene.database.transaction() as tx:
        leases.finish(tx, second, DONE, resumed=2)
    trial = scene.trial(experiment_id)
    assert (trial.epochs, trial.best and trial.best.epoch) == (2, 2)


def test_only_files_of_ended_attempts_that_no_row_names_are_unnamed(scene: Scene) -> None:
    experiment_id = scene.submit(2)
    first, other = scene.must_claim(), scene.must_claim()
    keep(scene, first, 3)
    release(scene, first)
    second = scene.must_claim()  # of the same trial
    listed = {
        "named": stored(first, 3).key,
        "of an attempt that ended": stored(first, 4).key,
        "of one that goes on": stored(second, 5).key,
        "of another that goes on": keys.network(experiment_id, other.number, other.attempt),
        "of an experiment that is gone": keys.network("exp_gone", 1, 1),
        "no attempt's": "experiments/readme.txt",
    }
    with scene.database.snapshot() as tx:
        found = orphans.of_experiments(tx, listed.values())
    assert {what for what, key in listed.items() if key in found} == {
        "of an attempt that ended",
        "of an experiment that is gone",
    }


def test_an_upload_is_unnamed_once_no_dataset_is_to_be_read_from_it(scene: Scene) -> None:
    scene.add_dataset(ready=False, sha256="1" * 64)  # of uploads/111…
    named, gone = f"uploads/{'1' * 64}", keys.new_upload()
    with scene.database.snapshot() as tx:
        assert orphans.of_uploads(tx, (named, gone)) == (gone,)
