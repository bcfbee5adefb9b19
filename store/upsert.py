"""INSERT … ON CONFLICT, which both databases have and SQLAlchemy spells once for each."""

from typing import Any

from sqlalchemy import FromClause, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert(tx: Session, table: FromClause) -> postgresql.Insert | sqlite.Insert:
    """An INSERT into the table that knows ON CONFLICT."""
    assert isinstance(table, Table)  # noqa: S101 - for the type checker
    if tx.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def replace(
    tx: Session, table: FromClause, keys: tuple[str, ...], **values: Any
) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that overwrites every other column of a row that has these keys already.

    `values` are SQL expressions for columns that do not come as parameters.
    """
    statement = insert(tx, table).values(**values)
    others = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    return statement.on_conflict_do_update(index_elements=list(keys), set_=others)
