"""A service for each test that changes it, and one a database kind for those that do not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.database import Database
from tests.api.serving import Served, serving
from tests.servers.databases import KINDS, Databases


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def served(database: Database, tmp_path: Path) -> Iterator[Served]:
    """A service of this test's own, without a broker."""
    with serving(database, tmp_path / "files") as served:
        yield served


@pytest.fixture(scope="session", params=KINDS)
def shared(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A service that many tests may share, since they leave nothing behind in it."""
    with databases.fresh(request.param) as url:
        database = Database(url)
        with serving(database, tmp_path_factory.mktemp("files")) as served:
            yield served
        database.dispose()
