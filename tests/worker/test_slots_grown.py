"""A trainer that has grown is replaced while the queue is long, not only when it is empty."""

import threading
from contextlib import closing

import pytest

from models.specs.experiment import Device
from tests.worker.site import Site
from tests.worker.specs import small
from worker.process import TrainerSettings
from worker.slots import Slots
from worker.supervise import Means
from worker.timing import Timing
from worker.trainers import Trainers


def test_a_grown_trainer_is_replaced_before_the_next_trial(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHD_TEST_ODD", "none")
    settings = TrainerSettings(threads=1, device=Device.CPU, module="tests.worker.odd_trainer")
    drain = threading.Event()
    with (
        closing(Trainers(1, settings, drain, grown_bytes=-(2**40))) as trainers,
    ):
        rates = {"strategy": "learning_rates", "values": [0.01, 0.1]}
        experiment_id = here.submit(small(here.table(), search=rates))
        means = Means(
            database=here.database, artifacts=here.artifacts, drain=drain, timing=Timing()
        )

        Slots(
            worker="test", device=Device.CPU, trainers=trainers, doorbell=here.doorbell, means=means
        ).work()

        # A trainer counts its plans, and reports the count as the loss.
        losses = [here.epochs(experiment_id, number)[0].metrics["loss"] for number in (1, 2)]
        assert losses == [1.0, 1.0]
