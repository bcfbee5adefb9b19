"""Measurements are written once an epoch, in batches, and read whole or thinned."""

import math

import pytest

from models.errors import LeaseLost
from models.lifecycle import StopReason
from models.measurements import LayerMeasurement, Measurement
from store import leases, measurements
from store.fence import Lease
from store.outcomes import Succeeded
from tests.store.scenes import Scene, epoch


def measurement(number: int, *, loss: float | None = 0.5) -> Measurement:
    layer = LayerMeasurement(layer="dense", units=4, zeros=0.25, dead=0.0, kernel_gradient=0.125)
    return Measurement(
        epoch=number, rows=64, layers=(layer,), loss=loss, prior=0.75, largest_input=None
    )


def append(scene: Scene, lease: Lease, *rows: Measurement) -> None:
    with scene.database.transaction() as tx:
        measurements.append(tx, lease, rows)


def read(scene: Scene, lease: Lease, most: int = 100) -> tuple[Measurement, ...]:
    with scene.database.snapshot() as tx:
        return measurements.of(tx, lease.trial_id, most=most)


def test_a_measurement_is_read_as_it_was_written(scene: Scene) -> None:
    scene.submit()
    lease = scene.must_claim()
    rows = (measurement(0), measurement(1, loss=None))
    append(scene, lease, *rows)
    assert read(scene, lease) == rows


def test_a_number_that_is_not_finite_is_not_kept(scene: Scene) -> None:
    scene.submit()
    lease = scene.must_claim()
    append(scene, lease, measurement(1, loss=math.inf), measurement(2, loss=math.nan))
    assert [row.loss for row in read(scene, lease)] == [None, None]


def test_an_epoch_that_is_measured_again_is_overwritten(scene: Scene) -> None:
    scene.submit()
    lease = scene.must_claim()
    append(scene, lease, measurement(0), measurement(1))
    append(scene, lease, measurement(1, loss=0.25), measurement(2))
    assert [(row.epoch, row.loss) for row in read(scene, lease)] == [(0, 0.5), (1, 0.25), (2, 0.5)]


def test_who_lost_the_trial_writes_nothing(scene: Scene) -> None:
    scene.submit()
    lost = scene.must_claim(seconds=-1)
    with scene.database.transaction() as tx:
        leases.expire(tx)
    with pytest.raises(LeaseLost):
        append(scene, lost, measurement(0))
    assert read(scene, lost) == ()


def test_of_many_the_first_the_last_and_some_between_are_read(scene: Scene) -> None:
    scene.submit()
    lease = scene.must_claim()
    append(scene, lease, *(measurement(number) for number in range(101)))
    assert [row.epoch for row in read(scene, lease, most=5)] == [0, 25, 50, 75, 100]


def test_what_an_abandoned_attempt_measured_later_is_forgotten_at_the_end(scene: Scene) -> None:
    scene.submit()
    first = scene.must_claim(seconds=-1)
    scene.append(first, *(epoch(number) for number in range(1, 8)))
    append(scene, first, *(measurement(number) for number in (0, 2, 4, 7)))
    with scene.database.transaction() as tx:
        leases.expire(tx)
    second = scene.must_claim()
    scene.append(second, epoch(3), epoch(4), epoch(5))
    append(scene, second, measurement(3), measurement(5))
    with scene.database.transaction() as tx:
        outcome = Succeeded(stop_reason=StopReason.EARLY_STOPPED)
        leases.finish(tx, second, outcome, resumed=2)
    assert [row.epoch for row in read(scene, second)] == [0, 2, 3, 5]
