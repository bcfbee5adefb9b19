"""A training as it is stored, for whoever judges or draws it.

All of its epochs are read, a hundred thousand at most, which takes a second; so that is done in a
snapshot, while nobody waits.
"""

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session

from models.recorded import Recorded
from models.tables.trials import EpochRow, MeasurementRow
from store import measurements
from store.fence import Lease


def of(tx: Session, trial_id: int) -> Recorded:
    """What is stored of a trial."""
    return _recorded(tx, trial_id, true(), true())


def of_attempt(tx: Session, lease: Lease, resumed: int) -> Recorded:
    """The same without what earlier attempts trained after epoch `resumed`.

    From there this one went on, and its end will have them forgotten: see `epochs.settle`.
    """

    def own(row: type[EpochRow | MeasurementRow]) -> ColumnElement[bool]:
        return or_(row.epoch <= resumed, row.attempt == lease.attempt)

    return _recorded(tx, lease.trial_id, own(EpochRow), own(MeasurementRow))


def _recorded(
    tx: Session, trial_id: int, epochs: ColumnElement[bool], measured: ColumnElement[bool]
) -> Recorded:
    rows = tx.execute(
        select(EpochRow.metrics, EpochRow.learning_rate)
        .where(EpochRow.trial_id == trial_id, epochs)
        .order_by(EpochRow.epoch)
    ).all()
    return Recorded(
        epochs=tuple(row.metrics for row in rows),
        learning_rates=tuple(row.learning_rate for row in rows),
        measurements=measurements.of(tx, trial_id, measured),
    )
