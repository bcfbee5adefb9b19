"""A named place kills or stops its process when, and only when, it is asked to."""

import os
import signal
import subprocess
import sys

import pytest

from store.failpoints import VARIABLE, BadFailPoints, Place, read

REACH = "from store import failpoints; failpoints.reach(failpoints.Place.CLAIMED); print('alive')"


def _run(asked: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", REACH],
        env=os.environ | {VARIABLE: asked, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_process_is_killed_where_it_is_asked_to() -> None:
    run = _run("claimed=kill")
    assert (run.returncode, run.stdout) == (-signal.SIGKILL, "")
    assert "claimed: SIGKILL" in run.stderr


@pytest.mark.parametrize("asked", ["", "finished=kill", "claimed=kill:0"])
def test_a_process_lives_on_where_nothing_is_asked(asked: str) -> None:
    run = _run(asked)
    assert (run.returncode, run.stdout) == (0, "alive\n")


@pytest.mark.parametrize("wrong", ["claimed", "claimed=burn", "moon=kill", "claimed=kill:often"])
def test_a_fault_that_makes_no_sense_is_refused_at_once(wrong: str) -> None:
    with pytest.raises(BadFailPoints, match=r"none of|not a valid|could not convert"):
        read(wrong)


def test_a_command_that_is_given_nonsense_ends_with_one_line() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "epochd", "worker", "control"],
        env=os.environ | {VARIABLE: "moon=kill", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr == f"epochd: {VARIABLE}: 'moon' is not a valid Place\n"


def test_several_places_can_be_asked_for() -> None:
    assert set(read("claimed=kill,finished=stop:0.5")) == {Place.CLAIMED, Place.FINISHED}
