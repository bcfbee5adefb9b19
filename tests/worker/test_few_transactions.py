"""Short epochs reach the database together: what is written of a training depends on its time."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event

from models.lifecycle import State
from tests.worker.inline import SCRIPTED_TRAINER, InlineWorker
from tests.worker.scripted import Script, one_database
from tests.worker.site import Site
from tests.worker.specs import small
from worker.timing import Timing

EPOCHS = 20


@pytest.fixture
def writes() -> Iterator[list[float]]:
    """When epochs were written, or what was measured after them."""
    seen: list[float] = []

    def note(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        if statement.startswith(("INSERT INTO epochs", "INSERT INTO measurements")):
            seen.append(time.monotonic())

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


@one_database
def test_twenty_epochs_of_a_small_training_are_written_a_few_times(
    here: Site, writes: list[float], script: Script
) -> None:
    script({})
    fit = {"epochs": EPOCHS, "early_stopping": None}
    experiment_id = here.submit(small(here.table(), fit=fit))

    InlineWorker(here, SCRIPTED_TRAINER).work()

    trial = here.trial(experiment_id)
    assert trial.state is State.SUCCEEDED
    assert len(here.epochs(experiment_id)) == EPOCHS
    # The first at once, the last at the trial's end, and in between as old as they may become. Two
    # statements each time, since what was measured goes with the epochs.
    seconds = writes[-1] - writes[0]
    assert 1 <= len(writes) <= 2 * (2 + seconds / Timing().flush)
