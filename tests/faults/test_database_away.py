"""The database is away while a trial trains: the training goes on, and nothing of it is lost.

EPOCHD_OUTAGE_SECONDS sets how long each outage lasts; by default it is longer than a lease.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from epochd.embedded.leash import Leash
from models.lifecycle import State
from store.database import Database
from store.doorbell import Doorbell
from store.schema import migrate
from tests.api.serving import Served, serving
from tests.servers.databases import Databases
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy
from tests.servers.valkey import DATABASES, ValkeyServer
from tests.worker.site import Site, site, until
from tests.worker.specs import small
from worker.sweep import Sweeper
from worker.timing import Timing

OUTAGE_SECONDS = float(os.environ.get("EPOCHD_OUTAGE_SECONDS", "6"))
LEASE_SECONDS = min(30.0, 0.75 * OUTAGE_SECONDS)
# How long another process holds SQLite's lock: longer than a lease, shorter than writers wait.
LOCKED_SECONDS = 9.0
# A request that comes while the database is away is answered within this time: a look at a pooled
# connection (3 s), a new one (3 s), and a busy machine.
ANSWERS_WITHIN = 9.0
WELL_WITHIN = 15.0
# Enough for some seconds; most of the outage is waited out with epochs in the spool.
EPOCHS = 600
# Those of tests/conftest.py count up, those of tests/worker/conftest.py down; this is between.
BROKER_NUMBER = DATABASES // 2

HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("COMMIT")
"""


@dataclass(frozen=True)
class Service:
    """An API and a train worker; both reach their database through the proxy."""

    api: Served
    site: Site
    dataset: str

    def training(self) -> str:
        """A trial in the middle of its epochs: its experiment's id."""
        spec = small(self.dataset, fit={"epochs": EPOCHS, "early_stopping": None})
        experiment_id = self.site.submit(spec)
        until(lambda: self.site.epochs(experiment_id, limit=1), "an epoch")
        return experiment_id

    def refusals(self, experiment_id: str) -> list[tuple[int, float]]:
        """Status and seconds of reads and writes at once; each says when to come again."""

        def ask(number: int) -> tuple[int, float]:
            begun = time.monotonic()
            answer = self._write() if number % 2 else self._read(experiment_id)
            if answer.status_code == 503:
                assert int(answer.headers["Retry-After"]) > 0
            return answer.status_code, time.monotonic() - begun

        with ThreadPoolExecutor(10) as clients:
            return list(clients.map(ask, range(10)))

    def _read(self, experiment_id: str) -> httpx.Response:
        return self.api.client.get(f"/experiments/{experiment_id}")

    def _write(self) -> httpx.Response:
        # Never trained: it waits for a kind of worker that is not there.
        spec = small(self.dataset, limits={"device": "gpu"})
        return self.api.client.post("/experiments", json=spec)

    def seconds_until_well(self) -> float:
        begun = time.monotonic()
        until(lambda: self.api.client.get("/readyz").is_success, "ready again", WELL_WITHIN)
        return time.monotonic() - begun

    def ended_well(self, experiment_id: str) -> None:
        """Rows equal epochs, and one attempt was enough."""
        assert self.site.wait_until_over(experiment_id).state is State.SUCCEEDED
        rows = self.site.epochs(experiment_id)
        assert [row.epoch for row in rows] == list(range(1, EPOCHS + 1))
        assert [one.outcome for one in self.site.trial(experiment_id).attempts] == ["completed"]


@contextmanager
def service_on(database_url: str, broker_url: str, folder: Path, leash: Leash) -> Iterator[Service]:
    with site(
        database_url=database_url,
        broker_url=broker_url,
        folder=folder,
        leash=leash,
        lease=LEASE_SECONDS,
    ) as made:
        made.start("train")
        database, bell = Database(database_url), Doorbell(broker_url)
        timing = Timing(lease=LEASE_SECONDS, beat=LEASE_SECONDS / 6)
        sweeper = Sweeper(database=database, doorbell=bell, timing=timing)
        with serving(database, folder, broker_url=broker_url, background=[sweeper]) as api:
            made.wait_for_workers(1)
            yield Service(api, made, made.table())
        bell.close()
        database.dispose()


@pytest.fixture(scope="module")
def server(leash: Leash) -> Iterator[PostgresServer]:
    """A PostgreSQL of these tests' own, that keeps what was committed when it is killed."""
    server = PostgresServer(leash, lasting=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def proxy(server: PostgresServer) -> Iterator[Proxy]:
    with Proxy(server.url()) as proxy:
        migrate(server.url())
        yield proxy


@pytest.fixture(scope="module")
def service(
    proxy: Proxy, leash: Leash, tmp_path_factory: pytest.TempPathFactory, module_broker: str
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("database-away")
    with service_on(proxy.url, module_broker, folder, leash) as service:
        yield service


@pytest.fixture(scope="module")
def module_broker(valkey_server: ValkeyServer) -> str:
    """An empty numbered database of the session's Valkey."""
    return valkey_server.url(BROKER_NUMBER)


Harm = Callable[[PostgresServer, Proxy], None]


@pytest.mark.parametrize(
    ("harm", "mend"),
    [
        pytest.param(lambda s, _: s.kill(), lambda s, _: s.start_again(), id="killed"),
        pytest.param(lambda s, _: s.freeze(), lambda s, _: s.thaw(), id="stopped"),
        pytest.param(lambda _, p: p.cut(), lambda _, p: p.restore(), id="cut"),
        pytest.param(lambda _, p: p.half_open(), lambda _, p: p.restore(), id="half-open"),
    ],
)
def test_a_training_goes_on_without_its_database_and_nothing_of_it_is_lost(
    service: Service, server: PostgresServer, proxy: Proxy, harm: Harm, mend: Harm
) -> None:
    experiment_id = service.training()
    harm(server, proxy)
    ended = time.monotonic() + OUTAGE_SECONDS
    answers = service.refusals(experiment_id)
    while time.monotonic() < ended:
        time.sleep(0.2)
        answers += service.refusals(experiment_id)
    mend(server, proxy)

    well = service.seconds_until_well()
    slowest = max(seconds for _, seconds in answers)
    print(f"{len(answers)} answers within {slowest:.1f} s; ready after {well:.1f} s")  # noqa: T201
    service.ended_well(experiment_id)
    assert {status for status, _ in answers} == {503}
    assert slowest < ANSWERS_WITHIN


def test_a_slow_way_to_the_database_makes_things_slower_and_nothing_worse(
    service: Service, proxy: Proxy
) -> None:
    experiment_id = service.training()
    proxy.slow(seconds=0.005)
    answers = service.refusals(experiment_id)
    time.sleep(OUTAGE_SECONDS / 2)
    proxy.restore()

    assert {status for status, _ in answers} == {200, 202}
    service.ended_well(experiment_id)


def test_a_worker_that_is_started_before_its_database_waits_for_it(
    service: Service, proxy: Proxy
) -> None:
    proxy.cut()
    worker = service.site.start("control")
    until(lambda: "waiting for the database" in worker.log.read_text(), "it says so")
    assert worker.process.poll() is None
    proxy.restore()
    service.site.wait_for_workers(2)


def test_a_training_goes_on_while_another_process_holds_the_lock_of_sqlite(
    databases: Databases, module_broker: str, leash: Leash, tmp_path: Path
) -> None:
    with (
        databases.fresh("sqlite") as url,
        service_on(url, module_broker, tmp_path, leash) as service,
    ):
        experiment_id = service.training()
        command = [sys.executable, "-c", HOLD, url.removeprefix("sqlite:///"), f"{LOCKED_SECONDS}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            answers = service.refusals(experiment_id)
            assert holder.wait() == 0

        slowest = max(seconds for _, seconds in answers)
        print(f"answers within {slowest:.1f} s")  # noqa: T201
        service.seconds_until_well()
        service.ended_well(experiment_id)
        assert {status for status, _ in answers} == {200, 202}  # they waited, as writers do
