"""How far trials had come by an epoch, as pruning is told."""

import pytest

from models.lifecycle import StopReason
from models.monitor import Mode, Monitored
from models.trial import Reached
from store import rivals
from store.fence import Lease
from store.outcomes import Succeeded
from tests.store.scenes import Scene, epoch


def _train(scene: Scene, *losses: float) -> Lease:
    lease = scene.must_claim()
    scene.append(lease, *(epoch(number, loss) for number, loss in enumerate(losses, start=1)))
    return lease


def _reached(scene: Scene, lease: Lease, epoch: int, mode: Mode = "min") -> dict[int, Reached]:
    with scene.database.snapshot() as tx:
        found = rivals.reached(tx, lease, epoch, Monitored("val_loss", mode))
    return {each.number: each for each in found}


def test_each_is_seen_as_it_was_after_that_epoch(scene: Scene) -> None:
    scene.submit(3, max_parallel=3)
    lease = _train(scene, 0.9, 0.5, 0.7, 0.1)
    _train(scene, 0.8, 0.6)
    _train(scene, 0.7, 0.4, 0.3)

    found = _reached(scene, lease, 3)

    assert sorted(found) == [1, 3]  # the second has not come so far
    assert (found[1].best, found[1].epochs, found[1].stop_reason) == (0.5, 3, None)
    assert found[1].mean == pytest.approx(0.7)
    assert found[3].best == 0.3
    assert _reached(scene, lease, 3, "max")[1].best == 0.9
    assert (found[1].candidate, found[1].repeat, found[3].candidate) == (0, 0, 2)


def test_one_that_came_to_its_own_end_before_counts_and_one_that_was_ended_does_not(
    scene: Scene,
) -> None:
    scene.submit(6, max_parallel=6)
    lease = _train(scene, 0.9, 0.5, 0.7, 0.1)
    for stop_reason in (StopReason.EARLY_STOPPED, StopReason.DIVERGED, StopReason.PRUNED):
        scene.finish(_train(scene, 0.8, 0.6), Succeeded(stop_reason=stop_reason))
    _train(scene, 0.8, 0.6)
    scene.must_claim()

    found = _reached(scene, lease, 4)

    assert sorted(found) == [1, 2, 4]
    assert (found[2].epochs, found[2].best) == (2, 0.6)
    assert found[4].stop_reason is StopReason.PRUNED  # for its repeats; the rules leave it out


def test_what_is_not_finite_is_left_out(scene: Scene) -> None:
    scene.submit(3, max_parallel=3)
    lease = _train(scene, float("nan"), 0.5)
    _train(scene, float("inf"), float("nan"))
    found = _reached(scene, lease, 2)
    assert sorted(found) == [1]
    assert (found[1].best, found[1].mean) == (0.5, 0.5)


def test_only_its_neighbours_by_number_are_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rivals, "NEIGHBOURS", 1)
    other = scene.submit(1)
    _train(scene, 0.1)
    scene.submit(4, max_parallel=4)
    leases = [_train(scene, 0.5) for _ in range(4)]
    assert leases[0].experiment_id != other
    assert sorted(_reached(scene, leases[1], 1)) == [1, 2, 3]
