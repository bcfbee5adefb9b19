"""A whole service of real processes that may be killed: each comes back under its name.

The database and the broker are its own, so that they may be harmed too. Whatever runs here is held
on a leash and ends with the process that made it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import psutil
from sqlalchemy import make_url

from epochd.embedded.leash import Leash
from store.database import Database
from store.failpoints import VARIABLE
from store.schema import migrate
from tests.faults import audit
from tests.processes import trainers
from tests.servers.databases import Kind
from tests.servers.ports import kept_port
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy
from tests.servers.valkey import ValkeyServer
from tests.worker.run_worker import Start

# TensorFlow takes 4-8 s to import on an idle machine, and this one is kept busy.
WARM_SECONDS = 120.0
# A worker drains within 30 s.
END_SECONDS = 40.0
NAME = "epochd"

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How large the service is and how quickly it is to notice things, in seconds.

    Attributes:
        lease: of workers on trials.
        checkpoint: the least between two checkpoints.
    """

    trainers: int = 2
    apis: int = 2
    lease: float = 4.0
    sweep: float = 0.5
    checkpoint: float = 0.3


class Member:
    """One process of the service.

    Args:
        name: "train-1".
        command: the program and its arguments.
        environment: on top of ours.
        log: is appended to.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        log: Path,
        leash: Leash,
    ) -> None:
        self.name = name
        self.log = log
        self.fail_points = ""
        self._command = command
        self._environment = environment
        self._leash = leash
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id, which is also its group's.

        Raises:
            RuntimeError: it does not run.
        """
        if self._process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs; a stopped one does."""
        return self._process is not None and self._process.poll() is None

    def start(self, fail_points: str = "") -> None:
        """Start it, with fail points where they are wanted."""
        self._forget()
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, **self._environment, VARIABLE: fail_points},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.fail_points = fail_points
        self._leash.hold(self._process, signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Signal it, if it still runs."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once; what it started is left to itself."""
        self.send(signal.SIGKILL)

    def kill_family(self) -> None:
        """End it and all that it started at once, as the end of a container does."""
        family = self.trainers()
        self.kill()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def trainers(self) -> list[psutil.Process]:
        """The trainer processes of a train worker."""
        return trainers(self.pid)

    def wait(self, seconds: float) -> int:
        """Wait for its end; its exit status."""
        if self._process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self._process.wait(seconds)

    def end(self) -> None:
        """End it in order; by force where that takes too long."""
        if self.alive:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
            try:
                self.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            self._process.wait(END_SECONDS)
            self._leash.release(self._process)
            self._process = None


class Service:
    """Database, broker, APIs and workers.

    Attributes:
        database: past the proxy, for whoever looks.
        store: the folder of the artifacts.
        broker_proxy, database_proxy: what the service's own connections go through; SQLite has no
            connections.
    """

    def __init__(self, kind: Kind, folder: Path, figures: Figures, ending: ExitStack) -> None:
        self.kind: Kind = kind
        self.figures = figures
        self.folder = folder
        self._leash = ending.enter_context(Leash())
        self.store = folder / "artifacts"
        self.store.mkdir(parents=True)
        self.broker = self._valkey(ending)
        self.broker_proxy = ending.enter_context(Proxy(self.broker.url()))
        self.postgres = self._postgres(ending) if kind == "postgresql" else None
        direct = self.postgres.url(NAME) if self.postgres else f"sqlite:///{folder}/{NAME}.sqlite3"
        self.database_proxy = ending.enter_context(Proxy(direct)) if self.postgres else None
        migrate(direct)
        self.database = Database(direct)
        ending.callback(self.database.dispose)
        audit.install(self.database)
        through = self.database_proxy.url if self.database_proxy else direct
        self.trainers = [
            self._worker("train", number, through) for number in range(1, figures.trainers + 1)
        ]
        self.control = self._worker("control", 1, through)
        ports = [ending.enter_context(kept_port()) for _ in range(figures.apis)]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        # One for all looks: each new client reads all certificates that there are.
        self._client = ending.enter_context(httpx.Client())
        self.apis = [self._api(number, port, through) for number, port in enumerate(ports, start=1)]
        ending.callback(self._end)

    @property
    def members(self) -> list[Member]:
        """All processes that may be killed."""
        return [*self.trainers, self.control, *self.apis]

    def start(self) -> None:
        """Start everything and wait until it is warm."""
        for member in self.members:
            member.start()
        self.wait_for_apis()

    def wait_for_apis(self) -> None:
        """Wait until all of them answer."""
        until(self._is_ready, "the APIs answer", WARM_SECONDS)

    def sqlite_file(self) -> Path:
        """Where SQLite's database is."""
        return Path(make_url(self.database.url).database or "")

    def _is_ready(self) -> bool:
        try:
            return all(self._client.get(f"{url}/readyz").is_success for url in self.urls)
        except httpx.TransportError:
            return False

    def _valkey(self, ending: ExitStack) -> ValkeyServer:
        folder = self.folder / "valkey"
        folder.mkdir()
        server = ValkeyServer(folder, self._leash)
        server.start()
        ending.callback(server.stop)
        return server

    def _postgres(self, ending: ExitStack) -> PostgresServer:
        server = PostgresServer(self._leash, lasting=True)
        ending.callback(server.stop)
        server.start()
        server.execute(f"CREATE DATABASE {NAME}")
        return server

    def _worker(self, kind: str, number: int, database: str) -> Member:
        start = Start(
            kind=kind,
            database=database,
            broker=self.broker_proxy.url,
            artifacts=str(self.store),
            lease=self.figures.lease,
            sweep=self.figures.sweep,
            checkpoint=self.figures.checkpoint,
        )
        command = [sys.executable, "-m", "tests.worker.run_worker", start.model_dump_json()]
        return self._member(f"{kind}-{number}", command, {})

    def _api(self, number: int, port: int, database: str) -> Member:
        settings = {
            "data_dir": self.folder / f"api-{number}",
            "database_url": database,
            "broker_url": self.broker_proxy.url,
            "artifacts_url": f"file://{self.store}",
            "port": port,
            "lease_seconds": self.figures.lease,
            "heartbeat_seconds": self.figures.lease / 6,
            "sweep_seconds": self.figures.sweep,
        }
        environment = {f"EPOCHD_{name.upper()}": str(value) for name, value in settings.items()}
        return self._member(f"api-{number}", [sys.executable, "-m", "epochd", "api"], environment)

    def _member(self, name: str, command: list[str], environment: dict[str, str]) -> Member:
        return Member(name, command, environment, self.folder / f"{name}.log", self._leash)

    def _end(self) -> None:
        for member in self.members:
            if member.alive:
                member.send(signal.SIGCONT)
                member.send(signal.SIGTERM)
        for member in self.members:
            member.end()


@contextmanager
def service(kind: Kind, folder: Path, figures: Figures) -> Iterator[Service]:
    """A service that runs and is warm; it ends with the context."""
    with ExitStack() as ending:
        made = Service(kind, folder, figures, ending)
        made.start()
        yield made


def until(look: Callable[[], Found | None], what: str, seconds: float) -> Found:
    """Look until there is something true to be seen.

    Raises:
        TimeoutError: there never was.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds:g} s")
