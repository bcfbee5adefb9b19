"""What was measured of trials: written in batches under a lease, read thinned.

A long training of a deep network leaves millions of numbers, and neither a plot nor a rule has a
use for so many.
"""

from collections.abc import Sequence

from pydantic import JsonValue, ValidationError
from sqlalchemy import ColumnElement, and_, delete, select, true
from sqlalchemy.orm import Session

from models.measurements import Measurement
from models.tables.trials import MeasurementRow
from store.fence import Lease, fence
from store.upsert import replace

# A plot has no more points than this.
MOST_EPOCHS = 400
# Layers times epochs: half a second of reading, and 5 MB of JSON. No fewer than LEAST_EPOCHS,
# however many the layers are.
MOST_LAYERS = 20_000
LEAST_EPOCHS = 20


def append(tx: Session, lease: Lease, rows: Sequence[Measurement]) -> None:
    """Write measurements, over those of an earlier attempt where there are any.

    Raises:
        LeaseLost: another attempt owns the trial, or nobody; nothing is written then.
    """
    if not rows:
        return
    fence(tx, lease)
    tx.execute(
        replace(tx, MeasurementRow.__table__, ("trial_id", "epoch")),
        [
            {
                "trial_id": lease.trial_id,
                "epoch": row.epoch,
                "attempt": lease.attempt,
                "values": row.model_dump(mode="json", exclude={"epoch"}, exclude_defaults=True),
            }
            for row in rows
        ],
    )


def forget(tx: Session, lease: Lease, *, after: int) -> None:
    """Forget what earlier attempts measured after an epoch, since this one trained that again."""
    abandoned = MeasurementRow.attempt != lease.attempt
    later = and_(MeasurementRow.trial_id == lease.trial_id, MeasurementRow.epoch > after)
    tx.execute(delete(MeasurementRow).where(later, abandoned))


def of(
    tx: Session, trial_id: int, only: ColumnElement[bool] | None = None
) -> tuple[Measurement, ...]:
    """Those of a trial, oldest first; of very many the first, the last and some between.

    What cannot be read is left out.

    Args:
        tx: the transaction.
        trial_id: of the trial.
        only: a condition on rows; all of them without one.
    """
    mine = and_(MeasurementRow.trial_id == trial_id, true() if only is None else only)
    epochs = tx.scalars(select(MeasurementRow.epoch).where(mine).order_by(MeasurementRow.epoch))
    chosen = _chosen(tx, trial_id, epochs.all())
    rows = tx.execute(
        select(MeasurementRow.epoch, MeasurementRow.values)
        .where(MeasurementRow.trial_id == trial_id, MeasurementRow.epoch.in_(chosen))
        .order_by(MeasurementRow.epoch)
    )
    found = (_measurement(epoch, values) for epoch, values in rows)
    return tuple(each for each in found if each is not None)


def _chosen(tx: Session, trial_id: int, epochs: Sequence[int]) -> tuple[int, ...]:
    if len(epochs) <= LEAST_EPOCHS:
        return tuple(epochs)
    last = and_(MeasurementRow.trial_id == trial_id, MeasurementRow.epoch == epochs[-1])
    layers = len(tx.scalars(select(MeasurementRow.values).where(last)).one()["layers"])
    most = min(MOST_EPOCHS, MOST_LAYERS // max(1, layers))
    return _spread(epochs, max(LEAST_EPOCHS, most))


def _spread(epochs: Sequence[int], most: int) -> tuple[int, ...]:
    """At most so many of them, 2 or more, evenly spread, the first and the last included."""
    if len(epochs) <= most:
        return tuple(epochs)
    step = (len(epochs) - 1) / (most - 1)
    return tuple(epochs[round(index * step)] for index in range(most))


def _measurement(epoch: int, values: dict[str, JsonValue]) -> Measurement | None:
    """None where another version of the service measured other things."""
    try:
        return Measurement.model_validate({"epoch": epoch, **values})
    except ValidationError:
        return None
