"""PostgreSQL behind a bad network: whoever waits is told so in time, and nothing is kept of it."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from models.errors import Unavailable
from store import postgresql
from store.database import Database
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

ANSWER_SECONDS = 1.0
PING_SECONDS = 0.5
# What is not waiting, on a busy machine.
RESERVE_SECONDS = 2.0


@pytest.fixture
def proxy(postgres_server: PostgresServer) -> Iterator[Proxy]:
    with Proxy(postgres_server.url()) as proxy:
        yield proxy


@pytest.fixture
def database(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", ANSWER_SECONDS)
    monkeypatch.setattr(postgresql, "PING_SECONDS", PING_SECONDS)
    monkeypatch.setitem(postgresql.CONNECT, "connect_timeout", 2)
    database = Database(proxy.url)
    yield database
    database.dispose()


def refused_after(action: Callable[[], object]) -> float:
    """The seconds until an action says that the database is away."""
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        action()
    return time.monotonic() - begun


def until_it_answers(database: Database) -> float:
    begun = time.monotonic()
    while time.monotonic() < begun + 10:
        try:
            database.ping()
        except Unavailable:
            time.sleep(0.02)
        else:
            break
    return time.monotonic() - begun


def wait_for_connections(proxy: Proxy, count: int) -> None:
    """The proxy hears of the end of one a moment after the client."""
    deadline = time.monotonic() + 10
    while proxy.connections != count:
        assert time.monotonic() < deadline, proxy.connections
        time.sleep(0.02)


def test_an_answer_that_is_lost_on_the_way_is_not_awaited_for_ever(
    database: Database, proxy: Proxy
) -> None:
    def lose_the_answer() -> None:
        with database.transaction() as tx:
            tx.execute(text("SELECT 1"))
            proxy.half_open()
            tx.execute(text("SELECT 1"))

    took = refused_after(lose_the_answer)
    assert ANSWER_SECONDS <= took < ANSWER_SECONDS + RESERVE_SECONDS


def test_a_commit_that_nobody_confirms_is_an_outage(database: Database, proxy: Proxy) -> None:
    def lose_the_answer() -> None:
        with database.transaction() as tx:
            tx.execute(text("SELECT 1"))
            proxy.half_open()

    assert refused_after(lose_the_answer) < ANSWER_SECONDS + RESERVE_SECONDS


def test_connections_that_were_forgotten_on_the_way_are_replaced_at_their_next_use(
    database: Database, proxy: Proxy
) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: pause(database), range(8)))
    assert proxy.connections > 1
    proxy.half_open()
    proxy.restore()

    begun = time.monotonic()
    for _ in range(20):
        database.ping()
    assert time.monotonic() - begun < PING_SECONDS + RESERVE_SECONDS


def pause(database: Database) -> None:
    with database.snapshot() as tx:
        tx.execute(text("SELECT pg_sleep(0.1)"))


def test_a_server_that_accepts_and_says_nothing_is_away(database: Database, proxy: Proxy) -> None:
    proxy.freeze()
    assert refused_after(database.ping) < 2 + RESERVE_SECONDS
    proxy.restore()
    assert until_it_answers(database) < postgresql.QUIET_SECONDS + RESERVE_SECONDS


def test_of_many_who_want_a_database_that_is_away_only_the_first_wait(
    database: Database, proxy: Proxy
) -> None:
    database.ping()
    proxy.half_open()
    begun = time.monotonic()
    with ThreadPoolExecutor(40) as threads:
        list(threads.map(lambda _: refused_after(database.ping), range(200)))
    assert time.monotonic() - begun < 10.0


def test_outages_leave_neither_connections_nor_threads_behind(
    database: Database, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "QUIET_SECONDS", 0.05)
    database.ping()
    threads = threading.active_count()
    for _ in range(20):
        proxy.cut()
        refused_after(database.ping)
        proxy.restore()
        until_it_answers(database)
    wait_for_connections(proxy, 1)
    assert threading.active_count() == threads
