"""SQLite's own manners: who begins a transaction, how it waits, how it reaches the disk."""

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, event

# A writer waits this long for the others; longer means that one of them hangs.
BUSY_SECONDS = 30.0

# Execution option of a connection: the statement that opens its transactions.
BEGIN = "epochd_begin"
WRITER = {BEGIN: "BEGIN IMMEDIATE"}


def prepare(engine: Engine) -> None:
    """Take transaction control away from the driver, and set up each new connection."""
    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", _begin)


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


def _begin(connection: Connection) -> None:
    # A reader that turns into a writer halfway cannot wait for its lock, so writers say so first.
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN, "BEGIN"))
