"""The service itself: is it alive, is it ready, what waits, who works."""

from fastapi import APIRouter, Response

from api import problems
from api.parts import Service
from api.readiness import readiness
from models.version import VERSION
from models.views.base import Page
from models.views.service import Health, QueueView, Readiness, WorkerView
from store import queue, workers

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Answers as long as the process can answer anything; looks at nothing else."""
    return Health(status="ok", version=VERSION)


@router.get(
    "/readyz",
    summary="Can it do its work?",
    responses={503: {"model": Readiness, "description": "A part that it needs is missing."}},
)
def readyz(service: Service, response: Response) -> Readiness:
    """Looks at the database, the broker and the schema. 200 when all are there, else 503."""
    found = readiness(service.database, service.doorbell)
    response.status_code = 200 if found.ready else 503
    return found


@router.get("/queue", summary="What waits and what runs", responses=problems.documented())
def show_queue(service: Service) -> QueueView:
    """Trials of everybody by state, and the slots that train them."""
    with service.database.snapshot() as tx:
        return queue.view(tx)


@router.get("/workers", summary="Who works", responses=problems.documented())
def list_workers(service: Service) -> Page[WorkerView]:
    """All worker processes that have reported themselves lately, with what they hold."""
    with service.database.snapshot() as tx:
        return Page(data=workers.page(tx), has_more=False, next_cursor=None)
