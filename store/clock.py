"""The database's clock. Leases and ages are measured by it alone: hosts may disagree by an hour."""

from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, Float, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from models.tables.base import UtcDateTime


class _Now(FunctionElement[datetime]):
    """The time at the start of the statement, moved by the seconds it is called with.

    Not the start of the transaction: a transaction may have waited for a lock since. Not the
    moment of evaluation either: an index could not be searched with that.
    """

    type = UtcDateTime()
    inherit_cache = True


def now(offset_seconds: float | BindParameter[float] = 0.0) -> ColumnElement[datetime]:
    """The database's time, `offset_seconds` later (negative: earlier), as an SQL expression."""
    if isinstance(offset_seconds, BindParameter):
        return _Now(offset_seconds)
    return _Now(bindparam(None, float(offset_seconds), type_=Float()))


def read(tx: Session) -> datetime:
    """The database's time, to judge later statements by."""
    return tx.scalars(select(now())).one()


def ago(seconds: BindParameter[float]) -> ColumnElement[datetime]:
    """The database's time, minus the seconds of a parameter that each row brings."""
    return _Now(-1 * seconds)


@compiles(_Now, postgresql.dialect.name)
def _postgresql(element: _Now, compiler: SQLCompiler, **options: object) -> str:
    seconds = compiler.process(element.clauses, **options)
    return f"(statement_timestamp() + {seconds} * interval '1 second')"


@compiles(_Now, sqlite.dialect.name)
def _sqlite(element: _Now, compiler: SQLCompiler, **options: object) -> str:
    # Times are texts in SQLite and compared as such, so all of them need six digits at the end.
    seconds = compiler.process(element.clauses, **options)
    moved = f"printf('%+.3f seconds', {seconds})"
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', {moved}) || '000')"
