"""Sites with warm workers, shared by tests where that does not matter: TensorFlow starts slowly."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from epochd.embedded.leash import Leash
from tests.servers.databases import Databases
from tests.servers.disk import small_disk
from tests.servers.valkey import DATABASES, ValkeyServer
from tests.worker.scripted import Script
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


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of DISK_BYTES."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder):
        yield folder


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Script:
    """Sets what the scripted trainer does after which epoch."""
    done = tmp_path / "done"
    done.mkdir()
    monkeypatch.setenv("EPOCHD_TEST_DONE", str(done))

    def write(actions: Mapping[int, Sequence[str]]) -> None:
        monkeypatch.setenv("EPOCHD_TEST_SCRIPT", json.dumps(actions))

    return write


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
