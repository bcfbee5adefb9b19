"""A real Valkey server for the tests, on its own port, that can be stopped and started again."""

import secrets
import signal
import subprocess
import time
from pathlib import Path

import redis

from epochd.embedded.leash import Leash
from epochd.embedded.ports import any_free
from epochd.embedded.valkey import Valkey

START_SECONDS = 30.0
DATABASES = 1024


class ValkeyServer:
    """A Valkey server; a second `start` comes back on the same port with the same data."""

    def __init__(self, folder: Path, leash: Leash) -> None:
        self._folder = folder
        self._leash = leash
        self._server = self._on_a_free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._has_answered = False

    def url(self, database: int = 0) -> str:
        return self._server.url(database)

    def start(self) -> None:
        """Start it and wait until it answers; another port if the first was taken meanwhile."""
        for _ in range(5):
            with (self._folder / "valkey.log").open("ab") as log:
                process = subprocess.Popen(
                    self._server.command, stdin=subprocess.PIPE, stdout=log, stderr=log
                )
            self._leash.hold(process, signal.SIGTERM)
            self._process = process
            if process.stdin is not None:
                process.stdin.write(self._server.configuration.encode())
                process.stdin.close()
            if self._answers(process):
                self._has_answered = True
                return
            self.stop()
            if not self._has_answered:  # clients know the port by now
                self._server = self._on_a_free_port()
        raise RuntimeError("Valkey did not start")

    def stop(self, ending: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and wait for its end; SIGKILL plays a crash."""
        if self._process is None:
            return
        self._process.send_signal(ending)
        self._process.wait(START_SECONDS)
        self._leash.release(self._process)
        self._process = None

    def _on_a_free_port(self) -> Valkey:
        return Valkey(
            folder=self._folder,
            port=any_free(),
            password=secrets.token_urlsafe(12),
            databases=DATABASES,
        )

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url()) as client:
            while time.monotonic() < deadline and process.poll() is None:
                try:
                    if client.ping():
                        return True
                except redis.RedisError:
                    time.sleep(0.02)
        return False
