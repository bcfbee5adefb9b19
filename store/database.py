"""The one way to the database: short transactions for writing, snapshots for reading.

Whoever opens a transaction owns it; no verb of the store commits.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic_core import from_json, to_json
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from store import sqlite
from store.faults import judge

# A transaction takes milliseconds, so 40 threads of an API process share 20 connections well, and
# five processes stay within the 100 that PostgreSQL allows unless told otherwise.
POOL_CONNECTIONS = 10
POOL_OVERFLOW = 10
POOL_WAIT_SECONDS = 10

# Everything here is a matter of milliseconds, so whatever takes longer than this is stuck.
_POSTGRESQL_SETTINGS = {
    "timezone": "UTC",
    "default_transaction_isolation": "read\\ committed",
    "lock_timeout": "10s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
}
_POSTGRESQL_CONNECT = {
    "connect_timeout": 5,
    "application_name": "epochd",
    "options": " ".join(f"-c {name}={value}" for name, value in _POSTGRESQL_SETTINGS.items()),
    # A connection whose other end is gone is noticed within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_POSTGRESQL_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Database:
    """A SQLite or PostgreSQL database, shared by all threads of a process.

    Args:
        url: "sqlite:////data/epochd.sqlite3" or "postgresql://user@host/name".
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = _engine(make_url(url))
        if self._engine.dialect.name == "sqlite":
            writes, reads = sqlite.WRITER, {}
        else:
            writes, reads = {}, _POSTGRESQL_SNAPSHOT
        self._writer = self._engine.execution_options(**writes)
        self._reader = self._engine.execution_options(**reads)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A writer's transaction: committed at the end, rolled back when anything is raised.

        On SQLite it is the only writer from its first statement on, also when that reads.

        Raises:
            Unavailable: the database is away, or waited for too long.
            StorageFull: its disk is full.
        """
        with _told_plainly(), _session(self._writer) as tx, tx.begin():
            yield tx

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A reader's transaction: every query sees the same moment; nothing is ever written.

        Raises:
            Unavailable: the database is away.
        """
        with _told_plainly(), _session(self._reader) as tx:
            yield tx

    def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            Unavailable: there is none.
        """
        with self.snapshot() as tx:
            tx.execute(text("SELECT 1"))

    def dispose(self) -> None:
        """Close all connections; open transactions lose theirs when they end."""
        self._engine.dispose()


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        plainly = judge(error)
        if plainly is None:
            raise
        raise plainly from error


def _session(engine: Engine) -> Session:
    # Rows are changed by statements, not through objects, so a loaded row must be read again.
    return Session(
        engine,
        autoflush=False,
        expire_on_commit=False,
        execution_options={"populate_existing": True, "synchronize_session": False},
    )


def _engine(url: URL) -> Engine:
    backend = url.get_backend_name()
    if backend == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(
        url,
        json_serializer=_json,
        json_deserializer=from_json,
        pool_size=POOL_CONNECTIONS,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=backend == "postgresql",
        connect_args=_POSTGRESQL_CONNECT if backend == "postgresql" else {},
    )
    if backend == "sqlite":
        sqlite.prepare(engine)
    return engine


def _json(value: object) -> str:
    """JSON as databases take it: a number that is not finite is null."""
    return to_json(value, inf_nan_mode="null").decode()
