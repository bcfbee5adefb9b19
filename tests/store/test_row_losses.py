"""Row losses are written with the end of their trial, fenced as it is, and go when it goes."""

import numpy as np
import pytest
from sqlalchemy import func, select

from models.errors import LeaseLost
from models.lifecycle import State, StopReason
from models.tables.trials import RowLossesRow
from models.trial import TrialResult
from store import experiments, history, leases, row_losses, searches, trials
from store.outcomes import Cancelled, RowLosses, Succeeded
from tests.store.scenes import OWNER, Scene

LOSSES = np.array([0.5, np.nan, np.inf, 3e-39, 16.0], dtype="<f4")
DONE = Succeeded(
    stop_reason=StopReason.COMPLETED, row_losses=RowLosses(rows=20_000, values=LOSSES.tobytes())
)


def kept(scene: Scene) -> int:
    with scene.database.snapshot() as tx:
        return tx.scalar(select(func.count()).select_from(RowLossesRow)) or 0


def results(scene: Scene, experiment_id: str, *numbers: int) -> tuple[TrialResult, ...]:
    with scene.database.snapshot() as tx:
        found = history.results(tx, experiment_id)
        return row_losses.attached(tx, experiment_id, found, numbers)


def test_they_come_back_bit_for_bit_for_the_trials_that_are_asked_for(scene: Scene) -> None:
    experiment_id = scene.submit(3)
    other = scene.submit(1)
    for _ in range(2):
        scene.finish(scene.must_claim(), DONE)

    first, second, third = results(scene, experiment_id, 1, 3)
    assert first.row_losses is not None
    assert first.row_losses.tobytes() == LOSSES.tobytes()
    assert (second.row_losses, third.row_losses) == (None, None)
    found = [result.validation_rows for result in (first, second, third)]
    assert found == [20_000, 20_000, None]
    assert results(scene, other, 1)[0].row_losses is None


def test_a_result_carries_what_it_was_proposed_with(scene: Scene) -> None:
    (first, second) = results(scene, scene.submit(2))
    assert (first.seed, second.seed) == (7, 7)
    assert second.changes == {"compile.optimizer.learning_rate": 0.05}
    assert first.error_code is None


def test_an_attempt_that_lost_its_trial_leaves_none(scene: Scene) -> None:
    scene.submit()
    lost = scene.must_claim(seconds=-1)
    with scene.database.transaction() as tx:
        leases.expire(tx)
    with pytest.raises(LeaseLost):
        scene.finish(lost, DONE)
    assert kept(scene) == 0
    scene.finish(scene.must_claim(), DONE)
    assert kept(scene) == 1


def test_a_trial_that_was_cancelled_leaves_none(scene: Scene) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim()
    with scene.database.transaction() as tx:
        trials.cancel(tx, owner=OWNER, experiment_id=experiment_id, number=1)
    assert scene.finish(lease, DONE) is State.CANCELLED
    assert kept(scene) == 0


def test_they_are_deleted_with_their_experiment(scene: Scene) -> None:
    experiment_id = scene.submit()
    scene.finish(scene.must_claim(), DONE)
    with scene.database.transaction() as tx:
        searches.conclude(tx, experiment_id, State.SUCCEEDED, None)
    assert kept(scene) == 1
    with scene.database.transaction() as tx:
        experiments.delete(tx, owner=OWNER, experiment_id=experiment_id)
    assert kept(scene) == 0


def test_no_row_losses_are_no_row(scene: Scene) -> None:
    scene.submit(2)
    scene.finish(scene.must_claim(), Succeeded(stop_reason=StopReason.DIVERGED))
    lease = scene.must_claim()
    with scene.database.transaction() as tx:
        trials.cancel(tx, owner=OWNER, experiment_id=lease.experiment_id, number=lease.number)
    scene.finish(lease, Cancelled())
    assert kept(scene) == 0
