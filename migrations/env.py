"""Runs migrations in the connection it is given, or on the database of `-x url=…`."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, create_engine

from models.tables import datasets, experiments, trials, workers
from models.tables.base import Base, UtcDateTime

ALL_TABLES = (datasets, experiments, trials, workers)  # imported to be known to the metadata


def _portable(kind: str, item: Any, context: Any) -> str | Literal[False]:
    """Write a migration without naming our own types: it must not change when they do."""
    del context
    is_time = kind == "type" and isinstance(item, UtcDateTime)
    return "sa.DateTime(timezone=True)" if is_time else False


def migrate(connection: Connection) -> None:
    """Upgrade in the transaction of whoever gives the connection."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",  # SQLite cannot alter most things
        compare_server_default=True,
        render_item=_portable,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    # For developers: alembic -x url=sqlite:////tmp/x.sqlite3 revision --autogenerate -m "…"
    with create_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as connection:
        migrate(connection)
