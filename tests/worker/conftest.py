"""Sites with warm workers, shared by tests where that does not matter: TensorFlow starts slowly."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from epochd.embedded.leash import Leash
from tests.servers.databases import Databases
from tests.servers.valkey import DATABASES, ValkeyServer
from tests.worker.site import Site, site

# The numbers that the tests of one session count up to are far below; these are ours.
_numbers = itertools.count(DATABASES - 1, -1)


@pytest.fixture
def here(database_url: str, broker_url: str, leash: Leash, tmp_path: Path) -> Iterator[Site]:
    """A site without worker processes, once on each database."""
    with site(
        database_url=database_url, broker_url=broker_url, folder=tmp_path, leash=leash
    ) as made:
        yield made


@pytest.fixture(scope="session")
def sqlite_site(
    databases: Databases,
    valkey_server: ValkeyServer,
    leash: Leash,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """SQLite, one train worker and one control worker."""
    with (
        databases.fresh("sqlite") as url,
        site(
            database_url=url,
            broker_url=valkey_server.url(next(_numbers)),
            folder=tmp_path_factory.mktemp("sqlite-site"),
            leash=leash,
        ) as made,
    ):
        made.start("train")
        made.start("control")
        made.wait_for_workers(2)
        yield made


@pytest.fixture(scope="session")
def postgresql_site(
    databases: Databases,
    valkey_server: ValkeyServer,
    leash: Leash,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """PostgreSQL, two train workers, and a lease of 3 s."""
    with (
        databases.fresh("postgresql") as url,
        site(
            database_url=url,
            broker_url=valkey_server.url(next(_numbers)),
            folder=tmp_path_factory.mktemp("postgresql-site"),
            leash=leash,
            lease=3.0,
        ) as made,
    ):
        made.start("train")
        made.start("train")
        made.wait_for_workers(2)
        yield made
