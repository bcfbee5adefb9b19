"""Fresh databases for tests: one template a server with all tables in it, then a copy for each."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.servers.postgres import PostgresServer

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")
TEMPLATE = "epochd_template"


class Databases:
    """Hands out empty, migrated databases.

    Args:
        folder: where SQLite files are made.
        postgres: starts the server when the first test asks for it.
        migrate: brings the database of a URL to the newest schema.
    """

    def __init__(
        self, folder: Path, postgres: Callable[[], PostgresServer], migrate: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._postgres = postgres
        self._migrate = migrate
        self._numbers = itertools.count(1)
        self._migrated: set[Kind] = set()

    @contextmanager
    def fresh(self, kind: Kind) -> Iterator[str]:
        """Give the URL of a database of its own, which is gone afterwards."""
        make = self._sqlite if kind == "sqlite" else self._postgresql
        with make(f"epochd_{next(self._numbers)}") as url:
            yield url

    @contextmanager
    def _sqlite(self, name: str) -> Iterator[str]:
        template = self._folder / f"{TEMPLATE}.sqlite3"
        if "sqlite" not in self._migrated:
            self._migrate(f"sqlite:///{template}")
            self._migrated.add("sqlite")
        folder = self._folder / name  # SQLite puts its journal beside the file
        folder.mkdir()
        copy = folder / "epochd.sqlite3"
        if template.exists():
            shutil.copy(template, copy)
        yield f"sqlite:///{copy}"
        shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _postgresql(self, name: str) -> Iterator[str]:
        server = self._postgres()
        if "postgresql" not in self._migrated:
            server.execute(f"CREATE DATABASE {TEMPLATE}")
            self._migrate(server.url(TEMPLATE))
            self._migrated.add("postgresql")
        server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        yield server.url(name)
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
