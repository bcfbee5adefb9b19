"""The API as a real server in this process, and the parts behind it for a test to look at."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import func, select
from starlette.types import ASGIApp

from api.app import create_app
from api.background import Background
from api.limits import ApiLimits
from models.tables.base import Base
from store.artifacts import LocalArtifacts
from store.database import Database
from store.doorbell import Doorbell

START_SECONDS = 60
# Nobody listens there: the API has to do without a broker.
NO_BROKER = "redis://127.0.0.1:1/0"


@dataclass(frozen=True)
class Served:
    """A running service.

    Attributes:
        app: what answers.
        client: speaks HTTP to it.
        files: the folder of its artifact store.
    """

    app: FastAPI
    client: httpx.Client
    database: Database
    artifacts: LocalArtifacts
    files: Path

    def stored_rows(self) -> dict[str, int]:
        """How many rows every table has."""
        with self.database.snapshot() as tx:
            return {
                table.name: tx.execute(select(func.count()).select_from(table)).scalar_one()
                for table in Base.metadata.sorted_tables
            }

    def stored_files(self) -> set[Path]:
        """The files in the artifact store."""
        return {path for path in self.files.rglob("*") if path.is_file()}


@contextmanager
def serving(
    database: Database,
    files: Path,
    *,
    broker_url: str = NO_BROKER,
    limits: ApiLimits | None = None,
    background: Sequence[Background] = (),
    artifacts: LocalArtifacts | None = None,
) -> Iterator[Served]:
    artifacts = artifacts or LocalArtifacts(files)
    doorbell = Doorbell(broker_url)
    app = create_app(
        database=database,
        doorbell=doorbell,
        artifacts=artifacts,
        limits=limits or ApiLimits(),
        background=background,
    )
    with listening(app) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield Served(app, client, database, artifacts, files)
    doorbell.close()


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """Serve an application on a free port; gives its address."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none")
    )
    thread = threading.Thread(target=server.run, name="api")
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            assert thread.is_alive(), "the server ended while it started"
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
