"""A download that hangs holds up no worker that is to end, and outlives none that was killed."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from worker.builtin import Drained, write_builtin

# Importing Keras comes before the first connection.
CONNECT_SECONDS = 60.0
END_SECONDS = 5.0


@pytest.fixture
def silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A proxy, the only way to the network, that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(CONNECT_SECONDS)
        for name in ("https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.getsockname()[1]}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
        yield server


def test_a_download_ends_when_the_worker_is_to_end(silence: socket.socket, tmp_path: Path) -> None:
    drain = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        working = threads.submit(write_builtin, "mnist", tmp_path, drain=drain)
        try:
            connection, _ = silence.accept()
        finally:
            drain.set()
        with connection:
            with pytest.raises(Drained):
                working.result(END_SECONDS)
            connection.settimeout(END_SECONDS)
            while connection.recv(4096):  # what it asked for, then its end
                pass


def test_a_download_ends_with_its_parent(silence: socket.socket, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "worker.trainer.download", "mnist", str(tmp_path / "x.npz")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        try:
            connection, _ = silence.accept()
            with connection:
                process.stdin.close()  # as the end of the parent does, however it came
                assert process.wait(END_SECONDS) != 0
        finally:
            process.kill()
