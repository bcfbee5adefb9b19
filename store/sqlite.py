"""SQLite's own manners: who begins a transaction, how it waits, how it reaches the disk."""

import sqlite3
import threading
import time
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

# A writer waits this long for the others; longer means that one of them hangs.
BUSY_SECONDS = 30.0
# Whoever is about to end waits this long: all in all a worker has 30 s for that.
HURRIED_SECONDS = 2.0
# SQLite's own wait cannot be cut short, so a writer's consists of such steps.
STEP_SECONDS = 0.5

# Execution option of a connection: the statement that opens its transactions.
BEGIN = "epochd_begin"
WRITER = {BEGIN: "BEGIN IMMEDIATE"}


def prepare(engine: Engine, hurry: threading.Event) -> None:
    """Take transaction control away from the driver, and set up each new connection.

    Once `hurry` is set, a writer waits no longer than HURRIED_SECONDS for the others.
    """

    def begin(connection: Connection) -> None:
        _begin(connection, hurry)

    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", begin)


def safe_with_wal(version: tuple[int, int, int]) -> bool:
    """Whether this version of SQLite is free of the WAL-reset bug.

    Mended in 3.51.3, and on their own branches in 3.50.7 and 3.44.6: https://www.sqlite.org/wal.html
    """
    mended_branches = ((3, 50, 7), (3, 44, 6))
    return version >= (3, 51, 3) or any(
        version[:2] == mended[:2] and version >= mended for mended in mended_branches
    )


def _connected(connection: sqlite3.Connection, record: Any) -> None:
    del record
    connection.isolation_level = None  # the driver must not begin anything by itself
    journal = "WAL" if safe_with_wal(sqlite3.sqlite_version_info) else "TRUNCATE"
    for setting in (
        f"busy_timeout={int(BUSY_SECONDS * 1000)}",  # first: the others may have to wait
        f"journal_mode={journal}",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {setting}").close()


def _begin(connection: Connection, hurry: threading.Event) -> None:
    # A reader that turns into a writer halfway cannot wait for its lock, so writers say so first.
    statement = connection.get_execution_options().get(BEGIN)
    if statement is None:
        connection.exec_driver_sql("BEGIN")
        return
    begun = time.monotonic()
    _wait_at_most(connection, STEP_SECONDS)
    try:
        while True:
            try:
                connection.exec_driver_sql(statement)
            except OperationalError as error:
                patience = HURRIED_SECONDS if hurry.is_set() else BUSY_SECONDS
                if not _is_busy(error) or time.monotonic() - begun >= patience:
                    raise
            else:
                return
    finally:
        _wait_at_most(connection, BUSY_SECONDS)


def _is_busy(error: OperationalError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    # The lowest byte tells the kind, the others why: SQLITE_BUSY_RECOVERY is busy too.
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY


def _wait_at_most(connection: Connection, seconds: float) -> None:
    """Set how long each of this connection's statements waits for a lock."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")
    cursor.close()
