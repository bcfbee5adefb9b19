"""The migrations run whoever starts them; what they make is held in tests/migrations."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from models.errors import Unavailable
from models.tables.base import Base
from store import schema
from store.database import Database
from tests.servers.databases import Databases, Kind
from tests.servers.postgres import PostgresServer


@pytest.fixture
def empty_url(database_kind: Kind, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database without any table."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    server.execute("CREATE DATABASE empty")
    yield server.url("empty")
    server.execute("DROP DATABASE empty WITH (FORCE)")


def test_alembic_finds_nothing_to_migrate(database: Database) -> None:
    with database.snapshot() as tx:
        context = MigrationContext.configure(tx.connection())
        assert compare_metadata(context, Base.metadata) == []


def test_several_processes_may_migrate_at_once(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as starters:
        list(starters.map(schema.migrate, [empty_url] * 4))
    database = Database(empty_url)
    assert schema.at_head(database)
    database.dispose()


def test_an_empty_database_is_not_at_head(empty_url: str) -> None:
    database = Database(empty_url)
    assert not schema.at_head(database)
    database.dispose()


def test_the_first_migration_can_be_undone(empty_url: str) -> None:
    schema.migrate(empty_url)
    database = Database(empty_url)
    with database.transaction() as tx:
        config = schema.configuration()
        config.attributes["connection"] = tx.connection()
        command.downgrade(config, "base")
        assert inspect(tx.connection()).get_table_names() == ["alembic_version"]
    assert not schema.at_head(database)
    database.dispose()


def test_a_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        schema.migrate("postgresql://nobody@127.0.0.1:9/none")


def test_the_tests_run_on_migrated_databases(databases: Databases, database_kind: Kind) -> None:
    with databases.fresh(database_kind) as url:
        database = Database(url)
        assert schema.at_head(database)
        database.dispose()
