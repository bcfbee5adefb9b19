"""What is repeated goes on whatever happens, and logs an outage at its beginning and its end."""

import logging
import threading
import time

import pytest

from models.errors import LeaseLost, Unavailable
from worker.repeating import STOP_SECONDS, Repeating

PATIENCE_SECONDS = 10.0


class Script:
    """An action that raises what it is told to, one after the other, and then no more."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = list(errors)
        self.played = threading.Event()

    def __call__(self) -> None:
        if not self._errors:
            self.played.set()
        elif (error := self._errors.pop(0)) is not None:
            raise error


def test_an_outage_is_said_once_at_its_beginning_and_once_at_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    away = Unavailable("It is away.")
    script = Script(None, away, away, away, None, away)
    with Repeating(script, every=0.001, name="beat"):
        assert script.played.wait(PATIENCE_SECONDS)
    again = "beat: it works again"
    assert caplog.messages == ["beat: It is away.", again, "beat: It is away.", again]


@pytest.mark.parametrize("error", [ZeroDivisionError("ours"), LeaseLost("another's")])
def test_a_mistake_is_logged_and_the_next_time_comes(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(error)
    with Repeating(script, every=0.001, name="beat"):
        assert script.played.wait(PATIENCE_SECONDS)
    assert str(error) in caplog.text


def test_an_action_may_end_its_own_repetition() -> None:
    done = threading.Event()

    def act() -> None:
        assert not done.is_set()
        repeating.stop(wait=False)
        done.set()

    repeating = Repeating(act, every=0.001, name="beat")
    with repeating:
        assert done.wait(PATIENCE_SECONDS)
        repeating.stop()


def test_an_action_that_hangs_does_not_hold_up_the_end() -> None:
    begun, go = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        go.wait(60)

    repeating = Repeating(hang, every=0.01, name="test")
    repeating.start()
    assert begun.wait(10)

    asked_at = time.monotonic()
    repeating.stop()
    took = time.monotonic() - asked_at
    go.set()

    assert took < 2 * STOP_SECONDS
