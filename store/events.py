"""The history of an experiment: numbered facts without gaps, written with the change they tell of.

Appending locks the experiment's row and raises its version; so whoever appends holds the lock that
every change of its trials needs, and whoever watches is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.tables.base import table_of
from models.tables.experiments import EventRow, ExperimentRow
from models.views.base import Page
from models.views.experiment import EventView
from store.clock import now

_EXPERIMENTS = table_of(ExperimentRow)
_RAISE = (
    update(_EXPERIMENTS)
    .where(_EXPERIMENTS.c.id == bindparam("experiment"))
    .values(
        last_event=_EXPERIMENTS.c.last_event + bindparam("facts"),
        version=_EXPERIMENTS.c.version + 1,
    )
    .returning(_EXPERIMENTS.c.last_event)
)
_WRITE = insert(table_of(EventRow)).values(at=now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What happened.

    Attributes:
        kind: "experiment." or "trial." and the state that was reached: "trial.running".
        reason: why, for a person.
        trial, attempt, worker: who it concerns, where it concerns one.
    """

    kind: str
    reason: str
    trial: int | None = None
    attempt: int | None = None
    worker: str | None = None


def append(tx: Session, experiment_id: str, facts: Sequence[Fact]) -> None:
    """Write facts, in order, and raise the experiment's version."""
    if not facts:
        return
    raised = tx.execute(_RAISE, {"experiment": experiment_id, "facts": len(facts)})
    first = raised.scalar_one() - len(facts) + 1
    tx.execute(
        _WRITE,
        [
            {
                "experiment_id": experiment_id,
                "number": number,
                "kind": fact.kind,
                "reason": fact.reason,
                "trial": fact.trial,
                "attempt": fact.attempt,
                "worker": fact.worker,
            }
            for number, fact in enumerate(facts, start=first)
        ],
    )


def after(
    tx: Session, *, owner: str, experiment_id: str, after: int, limit: int
) -> Page[EventView]:
    """The events that follow number `after`, oldest first.

    Raises:
        NotFound: there is no such experiment of this owner.
    """
    mine = select(ExperimentRow.id).where(
        ExperimentRow.id == experiment_id, ExperimentRow.owner == owner
    )
    if tx.scalar(mine) is None:
        raise NotFound(f"There is no experiment {experiment_id}.")
    rows = tx.scalars(
        select(EventRow)
        .where(EventRow.experiment_id == experiment_id, EventRow.number > after)
        .order_by(EventRow.number)
        .limit(limit + 1)
    ).all()
    data = tuple(_view(row) for row in rows[:limit])
    more = len(rows) > limit
    return Page(data=data, has_more=more, next_cursor=str(data[-1].number) if more else None)


def _view(row: EventRow) -> EventView:
    return EventView(
        number=row.number,
        kind=row.kind,
        trial=row.trial,
        attempt=row.attempt,
        worker=row.worker,
        reason=row.reason,
        at=row.at,
    )
