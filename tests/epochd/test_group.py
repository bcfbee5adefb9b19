"""The embedded service's processes: kept running, ended in order, never left behind."""

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from epochd.embedded.child import Child, Program
from epochd.embedded.group import Group
from epochd.embedded.leash import Leash
from epochd.embedded.output import Output

# Ends politely, and writes down when.
POLITE = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(0.1)
    pathlib.Path(sys.argv[2]).open("a").write(sys.argv[1] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("started", sys.stdin.read(), flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("started", flush=True)
time.sleep(600)
"""


class Scene:
    """A group with its log."""

    def __init__(self, leash: Leash, folder: Path) -> None:
        self.log = io.StringIO()
        self.group = Group()
        self.ended = folder / "ended"
        self._leash = leash

    def child(self, name: str, script: str, *, ending_seconds: float = 10.0) -> Child:
        program = Program(
            name=name,
            command=[sys.executable, "-c", script, name, str(self.ended)],
            configuration=f"with {name}",
            ending_seconds=ending_seconds,
        )
        return Child(program, leash=self._leash, output=Output(self.log, width=6))


@pytest.fixture
def scene(leash: Leash, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(leash, tmp_path)
    yield scene
    scene.group.kill()


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_a_child_gets_its_configuration_and_its_lines_carry_its_name(scene: Scene) -> None:
    scene.group.start(scene.child("api", POLITE))
    wait_until(lambda: "api   | started with api\n" in scene.log.getvalue(), "no line")


def test_a_child_that_is_killed_is_started_again(scene: Scene) -> None:
    child = scene.child("api", POLITE)
    scene.group.start(child)
    wait_until(lambda: "started" in scene.log.getvalue(), "did not start")
    first = child.pid
    assert first is not None
    psutil.Process(first).kill()
    wait_until(lambda: scene.log.getvalue().count("started with") == 2, "did not come back")
    assert child.pid != first
    assert child.deaths == 1
    assert "api   | ended by SIGKILL; it is started again in 0.5 s" in scene.log.getvalue()


def test_a_child_that_dies_at_once_is_started_ever_more_slowly(scene: Scene) -> None:
    scene.group.start(scene.child("api", "raise SystemExit(3)"))
    wait_until(lambda: "with code 3; it is started again in 2 s" in scene.log.getvalue(), "too few")
    assert scene.log.getvalue().count("ended with code 3") == 3


def test_children_end_tier_by_tier_the_last_first(scene: Scene) -> None:
    scene.group.start(scene.child("broker", POLITE))
    scene.group.start(scene.child("worker", POLITE))
    scene.group.start(scene.child("api", POLITE))
    wait_until(lambda: scene.log.getvalue().count("started") == 3, "did not start")
    scene.group.stop()
    assert scene.ended.read_text().split() == ["api", "worker", "broker"]


def test_a_child_that_does_not_end_in_time_is_killed(scene: Scene) -> None:
    child = scene.child("worker", STUBBORN, ending_seconds=0.3)
    scene.group.start(child)
    wait_until(lambda: "started" in scene.log.getvalue(), "did not start")
    pid = child.pid
    assert pid is not None
    scene.group.stop()
    assert not psutil.pid_exists(pid)
    assert "did not end in time" in scene.log.getvalue()


def test_a_stopped_group_starts_nothing_again(scene: Scene) -> None:
    child = scene.child("api", POLITE)
    scene.group.start(child)
    wait_until(lambda: "started" in scene.log.getvalue(), "did not start")
    scene.group.stop()
    time.sleep(1)  # twice the first pause
    assert child.deaths == 0
    assert scene.log.getvalue().count("started") == 1


def test_a_leash_ends_a_held_process_when_it_closes(tmp_path: Path) -> None:
    with Leash() as leash:
        child = Child(
            Program(name="x", command=[sys.executable, "-c", POLITE, "x", str(tmp_path / "ended")]),
            leash=leash,
            output=Output(log := io.StringIO()),
        )
        child.start()
        wait_until(lambda: "started" in log.getvalue(), "did not start")
        process = child._process
        assert process is not None
        reaper = threading.Thread(target=process.wait)  # as init does for a dead owner
        reaper.start()
    reaper.join(5)
    assert process.returncode == 0
    assert (tmp_path / "ended").read_text() == "x\n"
