"""A trainer that has grown is replaced while the queue is long, not only when it is empty."""

import pytest

from tests.worker.inline import ODD_TRAINER, InlineWorker
from tests.worker.scripted import one_database
from tests.worker.site import Site
from tests.worker.specs import small


@one_database
def test_a_grown_trainer_is_replaced_before_the_next_trial(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHD_TEST_ODD", "none")
    rates = {"strategy": "learning_rates", "values": [0.01, 0.1]}
    experiment_id = here.submit(small(here.table(), search=rates))

    InlineWorker(here, ODD_TRAINER, grown_bytes=-(2**40)).work()

    # A trainer counts its plans, and reports the count as the loss.
    losses = [here.epochs(experiment_id, number)[0].metrics["loss"] for number in (1, 2)]
    assert losses == [1.0, 1.0]
