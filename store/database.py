"""The one way to the database: short transactions for writing, snapshots for reading.

Whoever opens a transaction owns it; no verb of the store commits.
"""

import threading
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


class Database:
    """A SQLite or PostgreSQL database, shared by all threads of a process.

    Args:
        url: "sqlite:////data/epochd.sqlite3" or "postgresql://user@host/name".
        bounded: no answer may take longer than everyday statements do; a migration's may.
        hurry: once it is set, a SQLite that others hold locked is waited for a moment only.
    """

    def __init__(
        self, url: str, *, bounded: bool = True, hurry: threading.Event | None = None
    ) -> None:
        self.url = url
        self._writer, self._reader = _engines(
            make_url(url), bounded=bounded, hurry=hurry or threading.Event()
        )

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
        self._writer.dispose()  # the two share their connections


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


def _engines(url: URL, *, bounded: bool, hurry: threading.Event) -> tuple[Engine, Engine]:
    """One for transactions and one for snapshots, with the same pool of connections."""
    if url.get_backend_name() == "sqlite":
        engine = _engine(url)
        sqlite.prepare(engine, hurry)
        return engine.execution_options(**sqlite.WRITER), engine
    # psycopg would cost every start on SQLite a tenth of a second.
    from store import postgresql  # noqa: PLC0415

    engine = _engine(url.set(drivername=postgresql.DRIVER), **postgresql.CONNECT)
    postgresql.prepare(engine, postgresql.ANSWER_SECONDS if bounded else None)
    return engine, engine.execution_options(**postgresql.SNAPSHOT)


def _engine(url: URL, **connect: object) -> Engine:
    return create_engine(
        url,
        json_serializer=_json,
        json_deserializer=from_json,
        pool_size=POOL_CONNECTIONS,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_WAIT_SECONDS,
        connect_args=connect,
    )


def _json(value: object) -> str:
    """JSON as databases take it: a number that is not finite is null."""
    return to_json(value, inf_nan_mode="null").decode()
