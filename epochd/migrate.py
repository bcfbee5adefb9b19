"""`epochd migrate`: brings the database to the schema of this version."""

from epochd.settings import Settings
from store import schema
from store.database import Database


def migrate(settings: Settings) -> None:
    """Create or upgrade all tables.

    Raises:
        Unavailable: the database cannot be reached.
    """
    schema.migrate(settings.database)


def is_current(settings: Settings) -> bool:
    """Say whether the database has the schema of this version.

    Raises:
        Unavailable: the database cannot be reached.
    """
    database = Database(settings.database)
    try:
        return schema.at_head(database)
    finally:
        database.dispose()
