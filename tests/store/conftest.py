"""A database with the store's verbs in front of it, once on SQLite and once on PostgreSQL.

One for all tests of a module, emptied after each: making a database takes longer than most tests.
"""

from collections.abc import Iterator

import pytest

from models.tables.base import Base
from store.database import Database
from tests.servers.databases import KINDS, Databases, Kind
from tests.store.scenes import Scene


@pytest.fixture(scope="module", params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


@pytest.fixture(scope="module")
def database_url(database_kind: Kind, databases: Databases) -> Iterator[str]:
    with databases.fresh(database_kind) as url:
        yield url


@pytest.fixture(scope="module")
def opened_database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def database(opened_database: Database) -> Iterator[Database]:
    """Without rows at the start of each test."""
    yield opened_database
    with opened_database.transaction() as tx:
        for table in reversed(Base.metadata.sorted_tables):
            tx.execute(table.delete())


@pytest.fixture
def scene(database: Database) -> Scene:
    """A database that holds one dataset, ready to be trained on."""
    scene = Scene(database)
    scene.add_dataset()
    return scene
