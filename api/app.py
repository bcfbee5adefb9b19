"""Puts the HTTP service together from its parts. It makes none of them: that is epochd/'s work."""

from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy.orm import Session

from api import docs, problems
from api.answers import Answers
from api.background import Background, running
from api.body_limit import BodyLimit
from api.limits import ApiLimits
from api.parts import Parts
from api.request_id import RequestId
from api.routes import datasets, experiments, results, service, trials
from api.routes import problems as problem_pages
from api.waiting import Watcher
from models.version import VERSION
from store.artifacts import Artifacts
from store.database import Database
from store.datasets import states
from store.doorbell import Doorbell
from store.experiments import versions

# A page of 100 epochs is about 20 kB, so this holds what a thousand clients poll.
EPOCH_PAGES_BYTES = 32 * 1024 * 1024

DESCRIPTION = """
Trains Keras networks: POST an experiment, workers train it, every epoch's metrics can be polled,
and at the end the service says which setting won and hands out the trained network.
"""


def create_app(
    *,
    database: Database,
    doorbell: Doorbell,
    artifacts: Artifacts,
    limits: ApiLimits,
    background: Sequence[Background] = (),
) -> FastAPI:
    """The ASGI application.

    Args:
        database: migrated; /readyz says when it is not.
        doorbell: rung after commits.
        artifacts: where uploads go and networks come from.
        limits: of what one request may cost.
        background: started with the application and stopped with it.
    """
    parts = Parts(
        database=database,
        doorbell=doorbell,
        artifacts=artifacts,
        limits=limits,
        experiments=Watcher(_reading(database, versions)),
        datasets=Watcher(_reading(database, states)),
        epochs=Answers(EPOCH_PAGES_BYTES),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with running(background):
            yield

    app = FastAPI(
        title="epochd",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.parts = parts
    problems.install(app)
    docs.install(app)
    for routes in (experiments, trials, results, datasets, service, problem_pages):
        app.include_router(routes.router)
    uploads = {("POST", "/datasets"): limits.max_upload_bytes}
    app.add_middleware(BodyLimit, limit=limits.max_body_bytes, elsewhere=uploads)
    app.add_middleware(RequestId)  # the outermost: added last
    return app


def release_waiting(app: FastAPI) -> None:
    """Answer all long polls now, as the server is told to stop; it waits for open requests.

    Safe to call from a signal handler.
    """
    parts: Parts = app.state.parts
    parts.experiments.release()
    parts.datasets.release()


def _reading(
    database: Database, read: Callable[[Session, frozenset[str]], Mapping[str, Hashable]]
) -> Callable[[frozenset[str]], Mapping[str, Hashable]]:
    def marks(keys: frozenset[str]) -> Mapping[str, Hashable]:
        with database.snapshot() as tx:
            return read(tx, keys)

    return marks
