"""What a database error means for whoever asked: away for now, full, or a value it cannot hold.

Everything else is a mistake of ours and goes on as it is.
"""

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from models.errors import EpochdError, Invalid, Issue, StorageFull, Unavailable

# Primary result codes of SQLite: https://www.sqlite.org/rescode.html
_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
}
_PRIMARY_CODE = 0xFF

# Classes of PostgreSQL's SQLSTATE: connection exception, transaction rollback (deadlock), out of
# resources, object not in the needed state (lock timeout), operator intervention (shutdown,
# statement timeout).
_POSTGRESQL_AWAY = ("08", "40", "53", "55", "57")
_POSTGRESQL_DISK_FULL = "53100"


def judge(error: Exception) -> EpochdError | None:
    """What a caller should be told instead, or None when the error is a mistake of ours.

    A full disk or a lost connection ends the transaction, and what SQLAlchemy says then may be that
    a savepoint is gone, or that it cannot go on; the cause is what it was handling at that moment.
    """
    cause: BaseException | None = error
    while isinstance(cause, Exception):
        judged = _judge(cause)
        if judged is not None or not isinstance(error, SQLAlchemyError):
            return judged
        cause = cause.__context__
    return None


def _judge(error: Exception) -> EpochdError | None:
    if isinstance(error, PoolExhausted):
        return Unavailable("Every connection to the database is in use.")
    if isinstance(error, DataError | OverflowError | UnicodeEncodeError):
        return Invalid([Issue("", "bad_value", "A value is out of range or not storable as text.")])
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _judge_sqlite(error.orig)
    # By its attribute: importing psycopg would cost every start on SQLite a tenth of a second.
    if hasattr(error.orig, "sqlstate"):
        return _judge_postgresql(error, getattr(error.orig, "sqlstate", None))
    return None


def _judge_sqlite(error: sqlite3.Error) -> EpochdError | None:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    if code == sqlite3.SQLITE_FULL:
        return StorageFull()
    return Unavailable(f"The database: {error}.") if code in _SQLITE_AWAY else None


def _judge_postgresql(error: DBAPIError, sqlstate: str | None) -> EpochdError | None:
    if sqlstate == _POSTGRESQL_DISK_FULL:
        return StorageFull()
    never_answered = sqlstate is None and isinstance(error, OperationalError)
    lost = error.connection_invalidated or never_answered
    if lost or (sqlstate or "").startswith(_POSTGRESQL_AWAY):
        return Unavailable("The database cannot be reached at the moment.")
    return None
