"""What the routes work with: made once by `create_app`, handed to each route as a dependency."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.answers import Answers
from api.limits import ApiLimits
from api.waiting import Watcher
from store.artifacts import Artifacts
from store.database import Database
from store.doorbell import Doorbell


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The service behind the routes.

    Attributes:
        experiments: wakes long polls of experiments, by their version.
        datasets: wakes long polls of datasets, by their state.
        epochs: pages of epochs as they were sent.
    """

    database: Database
    doorbell: Doorbell
    artifacts: Artifacts
    limits: ApiLimits
    experiments: Watcher
    datasets: Watcher
    epochs: Answers


# Dependencies are `async`: a plain function would take a thread for each.
async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


Service = Annotated[Parts, Depends(_parts)]
