"""The real parts that tests run on, started once and only when a test asks for them."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from xdist.remote import Producer

from epochd.embedded.leash import Leash
from store.schema import migrate
from tests.lanes import Lanes, step_back
from tests.servers.databases import KINDS, Databases, Kind
from tests.servers.postgres import PostgresServer
from tests.servers.valkey import DATABASES, ValkeyServer

# Database 0 of the broker is nobody's: a test that forgot to ask for its own must not find work.
_broker_numbers = itertools.cycle(range(1, DATABASES))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes:
    """Keep the tests of one lane in one process where several share the suite."""
    return Lanes(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Where several processes share the suite, let those in a lane go first."""
    if hasattr(item.config, "workerinput"):
        step_back(item.nodeid)


@pytest.fixture(scope="session")
def leash() -> Iterator[Leash]:
    """Ends whatever a test session started, also when the session is killed."""
    with Leash() as leash:
        yield leash


@pytest.fixture(scope="session")
def valkey_server(leash: Leash, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """The session's Valkey. A test that stops its broker makes a ValkeyServer of its own."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"), leash)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def broker_url(valkey_server: ValkeyServer) -> Iterator[str]:
    """An empty numbered database of the session's Valkey, for this test alone."""
    url = valkey_server.url(next(_broker_numbers))
    yield url
    with redis.Redis.from_url(url) as client:
        client.flushdb()


@pytest.fixture(scope="session")
def postgres_server(leash: Leash) -> Iterator[PostgresServer]:
    """The session's PostgreSQL."""
    server = PostgresServer(leash)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Databases:
    """Makes fresh databases; for fixtures of a wider scope than one test."""

    def postgres() -> PostgresServer:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return server

    return Databases(tmp_path_factory.mktemp("databases"), postgres, migrate)


@pytest.fixture(params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> Kind:
    """Runs the test once on SQLite and once on PostgreSQL."""
    kind: Kind = request.param
    return kind


@pytest.fixture
def database_url(database_kind: Kind, databases: Databases) -> Iterator[str]:
    """The SQLAlchemy URL of an empty, migrated database for this test alone."""
    with databases.fresh(database_kind) as url:
        yield url


@pytest.fixture(scope="session")
def shared_data(pytestconfig: pytest.Config) -> Path:
    """The folder of real data files; tests that need it are skipped where it is absent."""
    beside_the_checkout = pytestconfig.rootpath.parent / "shared" / "data"
    folder = Path(os.environ.get("EPOCHD_TEST_DATA") or beside_the_checkout)
    if not folder.is_dir():
        pytest.skip(f"no data files at {folder}; name their folder in EPOCHD_TEST_DATA")
    return folder
