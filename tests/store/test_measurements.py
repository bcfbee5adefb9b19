"""Measurements are written once an epoch, in batches, and read whole or thinned."""

import itertools

import pytest
from sqlalchemy import update

from models.errors import LeaseLost
from models.lifecycle import StopReason
from models.measurements import LackOfFit, LayerMeasurement, Measurement
from models.tables.trials import MeasurementRow
from store import leases, measurements, trainings
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


def read(scene: Scene, lease: Lease) -> tuple[Measurement, ...]:
    with scene.database.snapshot() as tx:
        return measurements.of(tx, lease.trial_id)


def test_a_measurement_is_read_as_it_was_written(scene: Scene) -> None:
    scene.submit()
    lease = scene.must_claim()
    fit = {"lack_of_fit": LackOfFit(share=0.25, standard_error=0.125)}
    rows = (measurement(0), measurement(1, loss=None), measurement(2).model_copy(update=fit))
    append(scene, lease, *rows)
    assert read(scene, lease) == rows


def test_what_another_version_measured_is_left_out(scene: Scene) -> None:
    scene.submit()
    lease = scene.must_claim()
    append(scene, lease, measurement(0), measurement(1))
    other = {"rows": 64, "layers": [{"layer": "dense", "curvature": 2.0}]}
    with scene.database.transaction() as tx:
        tx.execute(update(MeasurementRow).where(MeasurementRow.epoch == 1).values(values=other))
    assert read(scene, lease) == (measurement(0),)


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


@pytest.mark.parametrize(("layers", "most"), [(1, 400), (200, 100), (1000, 20)])
def test_of_many_the_first_the_last_and_some_between_are_read(
    scene: Scene, layers: int, most: int
) -> None:
    scene.submit()
    lease = scene.must_claim()
    few = measurement(0).layers * layers
    append(scene, lease, *(measurement(n).model_copy(update={"layers": few}) for n in range(500)))
    epochs = [row.epoch for row in read(scene, lease)]
    assert (len(epochs), epochs[0], epochs[-1]) == (most, 0, 499)
    between = {after - before for before, after in itertools.pairwise(epochs)}
    assert max(between) - min(between) <= 1


def test_what_belongs_to_an_attempt_leaves_out_what_it_will_have_forgotten(scene: Scene) -> None:
    scene.submit()
    first = scene.must_claim(seconds=-1)
    scene.append(first, *(epoch(number, 1 / number) for number in range(1, 6)))
    append(scene, first, *(measurement(number) for number in (0, 2, 4)))
    with scene.database.transaction() as tx:
        leases.expire(tx)
    second = scene.must_claim()
    scene.append(second, epoch(3, 0.75))
    append(scene, second, measurement(3))
    with scene.database.snapshot() as tx:
        found = trainings.recorded_by(tx, second, resumed=2)
    assert [row["val_loss"] for row in found.epochs] == [1.0, 0.5, 0.75]
    assert [row.epoch for row in found.measurements] == [0, 2, 3]
    assert found.learning_rates == (0.1, 0.1, 0.1)


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
