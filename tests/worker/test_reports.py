"""What a trainer may say: what a database cannot hold is no report, or is made fit for one."""

import pytest

from models.lifecycle import StopReason
from models.measurements import LayerMeasurement, Measurement
from worker.messages import Epoch, Epochs, Failed, Measurements, read_report

MEASUREMENT = Measurement(
    epoch=3,
    rows=10,
    layers=(LayerMeasurement(layer="dense", units=2, dead=0.5),),
    loss=1.0,
    prior=None,
    largest_input=2.0,
)


@pytest.mark.parametrize(
    "absurd",
    [
        {"epoch": 0},
        {"epoch": 2**70},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"seconds": -1.0},
        {"seconds": 1e308},
        {"metrics": {"": 1.0}},
        {"metrics": {"lo\ass": 1.0}},
        {"metrics": {"l" * 10_000: 1.0}},
        {"metrics": {f"loss_{number}": 1.0 for number in range(10_000)}},
    ],
)
def test_an_epoch_that_cannot_be_is_no_report(absurd: dict[str, object]) -> None:
    row = Epoch(epoch=1, metrics={"loss": 1.0}, learning_rate=0.1, seconds=0.1)

    with pytest.raises(ValueError, match="rows"):
        read_report(Epochs(rows=(row.model_copy(update=absurd),)).line())


def test_metrics_that_are_not_finite_are_reported_as_they_are() -> None:
    row = Epoch(epoch=1, metrics={"loss": float("inf")}, learning_rate=None, seconds=0.0)

    assert read_report(Epochs(rows=(row,)).line()) == Epochs(rows=(row,))


def test_a_text_arrives_without_the_character_that_postgresql_cannot_store() -> None:
    told = Failed(
        stop_reason=StopReason.ERROR, code="training_failed", problem="It \0 broke.", detail="\0"
    )

    received = read_report(told.line())

    assert isinstance(received, Failed)
    assert (received.problem, received.detail) == ("It \ufffd broke.", "\ufffd")


@pytest.mark.parametrize(
    "absurd",
    [
        {"epoch": 2**70},
        {"layers": (LayerMeasurement(layer="dense", silent=0.5).model_copy(update={"dead": 2}),)},
        {"minority": 1.5},
        {"layers": MEASUREMENT.layers * 10_000},
    ],
)
def test_a_measurement_that_cannot_be_is_no_report(absurd: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="rows"):
        read_report(Measurements(rows=(MEASUREMENT.model_copy(update=absurd),)).line())


def test_a_measurement_arrives_as_it_was_sent() -> None:
    assert read_report(Measurements(rows=(MEASUREMENT,)).line()) == Measurements(
        rows=(MEASUREMENT,)
    )
