"""`epochd serve` on this machine: one command, one folder, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from epochd.embedded.leash import Leash
from tests.processes import below, command, has_ended

READY_SECONDS = 90.0


class Serving:
    """An `epochd serve` of our own."""

    def __init__(self, folder: Path, leash: Leash, *options: str) -> None:
        self._log = folder.with_suffix(".log").open("w+")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "epochd", "serve", "--slots", "1", "--port", "0"),
                *("--data-dir", str(folder), *options),
            ],
            stderr=self._log,
            env={**os.environ, "EPOCHD_LOG_LEVEL": "INFO"},
        )
        leash.hold(self.process, signal.SIGTERM)

    @property
    def log(self) -> str:
        return Path(self._log.name).read_text()

    def ready(self) -> str:
        """Wait until it says so, and give its URL."""
        wait_until(lambda: "| ready: " in self.log or self.process.poll() is not None, self)
        assert "| ready: " in self.log, self.log
        return self.log.partition("| ready: ")[2].split()[0]

    def everyone(self) -> list[psutil.Process]:
        """All its processes, itself included."""
        return [psutil.Process(self.process.pid), *below(self.process.pid, recursive=True)]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        self._log.close()


def wait_until(holds: Callable[[], bool], serving: Serving, seconds: float = READY_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, serving.log
        time.sleep(0.05)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serve") / "data"


@pytest.fixture(scope="module")
def serving(folder: Path, leash: Leash) -> Iterator[Serving]:
    serving = Serving(folder, leash)
    yield serving
    serving.end()


def test_it_is_ready_when_it_says_so(serving: Serving) -> None:
    url = serving.ready()
    assert httpx.get(f"{url}/readyz").json()["ready"] is True
    assert httpx.get(f"{url}/docs").status_code == 200


def test_all_that_it_keeps_lies_in_its_folder_closed_to_others(
    serving: Serving, folder: Path
) -> None:
    serving.ready()
    assert {"epochd.sqlite3", "broker", "serve.lock"} <= {path.name for path in folder.iterdir()}
    assert folder.stat().st_mode & 0o077 == 0


def test_a_second_one_in_the_same_folder_is_refused(serving: Serving, folder: Path) -> None:
    url = serving.ready()
    second = subprocess.run(
        [sys.executable, "-m", "epochd", "serve", "--port", "0", "--data-dir", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert f"process {serving.process.pid}, {url}" in second.stderr
    assert "--data-dir" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_refused_with_a_way_out(serving: Serving, tmp_path: Path) -> None:
    port = serving.ready().rpartition(":")[2]
    second = subprocess.run(
        [sys.executable, "-m", "epochd", "serve", "--port", port, "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert f"port {port}" in second.stderr
    assert f"--port {int(port) + 1}" in second.stderr


def test_a_killed_api_comes_back_and_its_clients_only_wait(serving: Serving) -> None:
    url = serving.ready()
    (api,) = (it for it in serving.everyone() if command(it)[1:4] == ["-m", "epochd", "api"])
    api.kill()
    # Not refused: the socket is held by the parent, and the answer comes when the API is back.
    assert httpx.get(f"{url}/healthz", timeout=30).status_code == 200
    assert "api           | ended by SIGKILL" in serving.log


def test_a_killed_broker_comes_back(serving: Serving) -> None:
    url = serving.ready()
    (broker,) = (it for it in serving.everyone() if "valkey-server" in " ".join(command(it)))
    broker.kill()
    wait_until(lambda: "broker        | ended by SIGKILL" in serving.log, serving)
    wait_until(lambda: httpx.get(f"{url}/readyz").is_success, serving, 30)


def test_nothing_outlives_a_kill(serving: Serving) -> None:
    serving.ready()
    everyone = serving.everyone()
    serving.process.kill()
    serving.process.wait()
    wait_until(lambda: all(map(has_ended, everyone)), serving, 30)


def test_a_folder_is_served_again_after_a_kill_and_sigterm_ends_all_in_order(
    folder: Path, leash: Leash
) -> None:
    again = Serving(folder, leash)
    again.ready()
    everyone = again.everyone()
    again.process.terminate()
    assert again.process.wait(60) == 0, again.log
    assert all(map(has_ended, everyone))
    assert "did not end in time" not in again.log
    again.end()
