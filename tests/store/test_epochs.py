"""Epochs are written once each, in batches, and read from where a client left off."""

import math

import pytest

from models.errors import NotFound
from models.lifecycle import StopReason
from models.views.trial import EpochPage
from store import epochs, history, leases
from store.epochs import EpochRecord
from store.outcomes import Succeeded
from tests.store.scenes import OWNER, Scene, epoch


def _after(scene: Scene, experiment_id: str, after: int = 0, limit: int = 100) -> EpochPage:
    with scene.database.snapshot() as tx:
        return epochs.after(
            tx, owner=OWNER, experiment_id=experiment_id, number=1, after=after, limit=limit
        )


def test_an_epoch_is_read_as_it_was_written(scene: Scene) -> None:
    experiment_id = scene.submit()
    scene.append(scene.must_claim(), epoch(1, 0.25, loss=0.5, accuracy=0.75))
    (row,) = _after(scene, experiment_id).data
    assert row.metrics == {"val_loss": 0.25, "loss": 0.5, "accuracy": 0.75}
    assert (row.epoch, row.learning_rate, row.seconds) == (1, 0.1, 0.5)
    assert row.non_finite is None


def test_a_number_that_is_not_finite_becomes_null_and_is_named(scene: Scene) -> None:
    experiment_id = scene.submit()
    record = EpochRecord(
        epoch=1,
        metrics={"loss": math.nan, "val_loss": math.inf, "mse": -math.inf, "mae": 1.0},
        learning_rate=math.nan,
        seconds=1.0,
    )
    scene.append(scene.must_claim(), record)
    (row,) = _after(scene, experiment_id).data
    assert row.metrics == {"loss": None, "val_loss": None, "mse": None, "mae": 1.0}
    assert row.non_finite == {"loss": "nan", "val_loss": "inf", "mse": "-inf"}
    assert row.learning_rate is None


def test_a_client_goes_on_from_where_it_left_off(scene: Scene) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim()
    scene.append(lease, *(epoch(number) for number in range(1, 6)))
    first = _after(scene, experiment_id, limit=2)
    assert [row.epoch for row in first.data] == [1, 2]
    assert (first.has_more, first.next_cursor, first.is_terminal) == (True, "2", False)
    rest = _after(scene, experiment_id, after=2)
    assert [row.epoch for row in rest.data] == [3, 4, 5]
    assert not rest.has_more
    scene.finish(lease, Succeeded(stop_reason=StopReason.COMPLETED))
    last = _after(scene, experiment_id, after=5)
    assert (last.data, last.is_terminal) == ((), True)


def test_another_attempt_overwrites_what_it_trains_again(scene: Scene) -> None:
    experiment_id = scene.submit()
    first = scene.must_claim(seconds=-1)
    scene.append(first, epoch(1, 0.9), epoch(2, 0.1), epoch(3, 0.8))
    with scene.database.transaction() as tx:
        leases.expire(tx)
    second = scene.must_claim()
    scene.append(second, epoch(2, 0.5), epoch(3, 0.4), epoch(4, 0.6))
    rows = _after(scene, experiment_id).data
    assert [(row.epoch, row.metrics["val_loss"]) for row in rows] == [
        (1, 0.9),
        (2, 0.5),
        (3, 0.4),
        (4, 0.6),
    ]
    trial = scene.trial(experiment_id)
    assert trial.best is not None
    assert (trial.best.epoch, trial.best.value, trial.epochs) == (3, 0.4, 4)
    with scene.database.snapshot() as tx:
        assert history.results(tx, experiment_id)[0].seconds == pytest.approx(2.0)


def test_epochs_that_the_last_attempt_did_not_reach_are_forgotten_at_its_end(scene: Scene) -> None:
    experiment_id = scene.submit()
    first = scene.must_claim(seconds=-1)
    scene.append(first, *(epoch(number, 1 / number) for number in range(1, 6)))
    with scene.database.transaction() as tx:
        leases.expire(tx)
    second = scene.must_claim()
    scene.append(second, epoch(1, 0.9), epoch(2, 0.7), epoch(3, 0.8))

    scene.finish(second, Succeeded(stop_reason=StopReason.EARLY_STOPPED))

    assert [row.epoch for row in _after(scene, experiment_id).data] == [1, 2, 3]
    trial = scene.trial(experiment_id)
    assert trial.best is not None
    assert (trial.best.epoch, trial.best.value, trial.epochs) == (2, 0.7, 3)
    assert trial.latest is not None
    assert trial.latest.epoch == 3


def test_the_best_epoch_is_the_first_with_the_best_finite_value(scene: Scene) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim()
    scene.append(lease, epoch(1, 0.5), epoch(2, math.nan))
    scene.append(lease, epoch(3, 0.3), epoch(4, 0.3), epoch(5, 0.9))
    trial = scene.trial(experiment_id)
    assert trial.best is not None
    assert (trial.best.value, trial.best.epoch) == (0.3, 3)
    assert trial.latest is not None
    assert trial.latest.epoch == 5


def test_an_epoch_that_waited_for_the_database_keeps_its_time(scene: Scene) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim()
    old = EpochRecord(epoch=1, metrics={"loss": 1.0}, learning_rate=None, seconds=1, age_seconds=90)
    scene.append(lease, old, epoch(2))
    first, second = _after(scene, experiment_id).data
    waited = (second.finished_at - first.finished_at).total_seconds()
    assert waited == pytest.approx(90, abs=0.5)


def test_every_append_raises_the_version_that_polls_wait_for(scene: Scene) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim()
    before = scene.experiment(experiment_id).version
    scene.append(lease, epoch(1))
    assert scene.experiment(experiment_id).version > before


def test_anothers_epochs_are_not_found(scene: Scene) -> None:
    experiment_id = scene.submit()
    for owner, number in (("stranger", 1), (OWNER, 2)):
        with pytest.raises(NotFound), scene.database.snapshot() as tx:
            epochs.after(
                tx, owner=owner, experiment_id=experiment_id, number=number, after=0, limit=9
            )
