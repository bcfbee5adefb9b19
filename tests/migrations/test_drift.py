"""The migrations lead to exactly the tables that the code declares, on both databases.

Two databases are compared as the server describes them, one migrated and one made straight from
the tables. So everything counts that the server knows: types, defaults, checks, partial indexes.
"""

from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine, inspect, text

from models.tables import datasets, experiments, trials, workers
from models.tables.base import Base
from tests.servers.databases import Databases, Kind

DECLARED = (datasets, experiments, trials, workers)  # imported to be known to the metadata
HISTORY = "alembic_version"


def described(url: str) -> dict[str, Any]:
    """All that the server says about each table."""
    engine = create_engine(url)
    server = inspect(engine)
    tables = {
        table: {
            "columns": {
                column["name"]: {**column, "type": column["type"].compile(engine.dialect)}
                for column in server.get_columns(table)
            },
            "primary key": server.get_pk_constraint(table),
            "foreign keys": by_name(server.get_foreign_keys(table)),
            "unique": by_name(server.get_unique_constraints(table)),
            "checks": by_name(server.get_check_constraints(table)),
            "indexes": {
                name: index_of(it) for name, it in by_name(server.get_indexes(table)).items()
            },
        }
        for table in server.get_table_names()
        if table != HISTORY
    }
    engine.dispose()
    return tables


def index_of(index: dict[str, Any]) -> dict[str, Any]:
    # A partial index's condition is an expression object, which is equal to nothing but itself.
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def by_name(found: list[Any]) -> dict[str, Any]:
    return {one["name"]: one for one in found}


def make_as_declared(url: str) -> None:
    """Replace all tables of a database by those that the code declares."""
    engine = create_engine(url)
    there = MetaData()
    there.reflect(engine)
    there.drop_all(engine)
    Base.metadata.create_all(engine)
    engine.dispose()


def test_the_migrations_make_the_declared_tables(databases: Databases, database_kind: Kind) -> None:
    with databases.fresh(database_kind) as migrated, databases.fresh(database_kind) as declared:
        make_as_declared(declared)
        assert set(described(declared)) == set(Base.metadata.tables)
        assert described(migrated) == described(declared)


@pytest.mark.parametrize(
    "drift",
    [
        "ALTER TABLE trials ADD COLUMN forgotten INTEGER",
        "DROP INDEX ix_datasets_state",
        "CREATE UNIQUE INDEX forgotten ON trials (id) WHERE state = 'queued'",
    ],
)
def test_a_drift_would_be_found(databases: Databases, database_kind: Kind, drift: str) -> None:
    with databases.fresh(database_kind) as one, databases.fresh(database_kind) as other:
        engine = create_engine(one)
        with engine.begin() as connection:
            connection.execute(text(drift))
        engine.dispose()
        assert described(one) != described(other)
