"""What tests with the scripted trainer share: what they submit, and what they see of it."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from sqlalchemy import select

from models.tables.datasets import ArtifactKind, ArtifactRow
from models.views.experiment import EventView
from store import events
from tests.worker.site import OWNER, Site
from tests.worker.specs import small
from worker.timing import Timing

TIMING = Timing(lease=5.0, beat=0.5, order=0.2, flush=0.05, artifacts=1.5)
EPOCHS = 8

# The database is the same to a test that is about files or time.
one_database = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

Script = Callable[[Mapping[int, Sequence[str]]], None]


def submit(here: Site, **limits: object) -> str:
    fit = {"epochs": EPOCHS, "early_stopping": None}
    return here.submit(small(here.table(), fit=fit, limits=limits))


def checkpoints(here: Site) -> list[tuple[int | None, str]]:
    """Epoch and key of what is registered, the newest first."""
    with here.database.snapshot() as tx:
        kind = ArtifactRow.kind == ArtifactKind.CHECKPOINT
        query = select(ArtifactRow.epoch, ArtifactRow.key).where(kind)
        return [(epoch, key) for epoch, key in tx.execute(query.order_by(ArtifactRow.id.desc()))]


def told(here: Site, experiment_id: str, *kinds: str) -> list[EventView]:
    with here.database.snapshot() as tx:
        page = events.after(tx, owner=OWNER, experiment_id=experiment_id, after=0, limit=100)
    return [event for event in page.data if event.kind in kinds]
