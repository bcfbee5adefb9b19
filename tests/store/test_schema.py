"""The migrations make exactly the tables that the code expects, whoever runs them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from models.errors import Unavailable
from models.tables import datasets, experiments, trials, workers
from models.tables.base import Base
from store import schema
from store.database import Database
from tests.servers.databases import Databases, Kind
from tests.servers.postgres import PostgresServer

ALL = (datasets, experiments, trials, workers)


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


def _shape(url: str) -> dict[str, object]:
    """All that a database says of its tables, in an order that does not matter."""
    engine = create_engine(url)
    found = inspect(engine)
    shape: dict[str, object] = {}
    for table in sorted(set(found.get_table_names()) - {"alembic_version"}):
        shape[table] = {
            "columns": sorted(
                (column["name"], str(column["type"]), column["nullable"])
                for column in found.get_columns(table)
            ),
            "indexes": sorted(
                (index["name"], index["column_names"], index["unique"])
                for index in found.get_indexes(table)
            ),
            "checks": sorted(
                (check["name"], check["sqltext"]) for check in found.get_check_constraints(table)
            ),
            "keys": sorted(
                (key["name"], key["constrained_columns"], str(key["options"]))
                for key in found.get_foreign_keys(table)
            ),
            "unique": sorted(
                (unique["name"], unique["column_names"])
                for unique in found.get_unique_constraints(table)
            ),
            "primary": found.get_pk_constraint(table)["constrained_columns"],
        }
    engine.dispose()
    return shape


def test_the_migrations_make_the_tables_as_they_are_declared(
    database_url: str, empty_url: str
) -> None:
    engine = create_engine(empty_url)
    Base.metadata.create_all(engine)
    engine.dispose()
    assert _shape(database_url) == _shape(empty_url)


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
    assert not schema.at_head(database)
    database.dispose()
    assert _shape(empty_url) == {}


def test_a_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        schema.migrate("postgresql://nobody@127.0.0.1:9/none")


def test_the_tests_run_on_migrated_databases(databases: Databases, database_kind: Kind) -> None:
    with databases.fresh(database_kind) as url:
        database = Database(url)
        assert schema.at_head(database)
        database.dispose()
