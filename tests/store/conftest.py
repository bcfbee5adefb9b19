"""A database with the store's verbs in front of it, once on SQLite and once on PostgreSQL."""

from collections.abc import Iterator

import pytest

from store.database import Database
from tests.store.scenes import Scene


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def scene(database: Database) -> Scene:
    """A database that holds one dataset, ready to be trained on."""
    scene = Scene(database)
    scene.add_dataset()
    return scene
