"""Brings a database to the newest schema, and says whether it is there.

The migrations themselves live in the package `migrations`, which knows the tables alone.
"""

from functools import cache
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.orm import Session

from store.database import Database

# Any number will do, as long as nothing else locks it: "epochd" in ASCII.
_MIGRATION_LOCK = 0x65706F636864


def migrate(url: str) -> None:
    """Create or upgrade all tables, in one transaction; processes that start at once take turns.

    Raises:
        Unavailable: the database cannot be reached.
    """
    database = Database(url, bounded=False)
    try:
        with database.transaction() as tx:
            _take_turns(tx)
            config = configuration()
            config.attributes["connection"] = tx.connection()
            command.upgrade(config, "head")
    finally:
        database.dispose()


def at_head(database: Database) -> bool:
    """Whether the database has exactly the schema that this code was written for.

    Raises:
        Unavailable: the database cannot be reached.
    """
    with database.snapshot() as tx:
        context = MigrationContext.configure(tx.connection())
        return context.get_current_revision() == _head()


def _take_turns(tx: Session) -> None:
    # SQLite has one writer at a time anyway.
    if tx.get_bind().dialect.name == "postgresql":
        tx.execute(text("SET LOCAL lock_timeout = '60s'"))
        tx.execute(text("SET LOCAL statement_timeout = 0"))
        tx.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def configuration() -> Config:
    """Alembic's configuration: where the migrations are."""
    config = Config()
    folder = str(files("migrations")).replace("%", "%%")  # the option interpolates
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    return config


@cache
def _head() -> str | None:
    return ScriptDirectory.from_config(configuration()).get_current_head()
