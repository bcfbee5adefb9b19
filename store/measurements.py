"""What was measured of trials: written in batches under a lease, read thinned.

A long training of a deep network is measured a million times, and neither a plot nor a rule needs
that many; so whoever reads says how many at most.
"""

import json
from collections.abc import Sequence

from pydantic import JsonValue
from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from models.measurements import Measurement
from models.tables.trials import MeasurementRow
from store.fence import Lease, fence
from store.upsert import replace


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
                # By way of text, in which a number that is not finite is null.
                "values": json.loads(row.model_dump_json(exclude={"epoch"}, exclude_defaults=True)),
            }
            for row in rows
        ],
    )


def forget(tx: Session, lease: Lease, *, after: int) -> None:
    """Forget what earlier attempts measured after an epoch, since this one trained that again."""
    abandoned = MeasurementRow.attempt != lease.attempt
    later = and_(MeasurementRow.trial_id == lease.trial_id, MeasurementRow.epoch > after)
    tx.execute(delete(MeasurementRow).where(later, abandoned))


def of(tx: Session, trial_id: int, *, most: int) -> tuple[Measurement, ...]:
    """Those of a trial, oldest first; of more than `most` the first, the last and some between."""
    mine = MeasurementRow.trial_id == trial_id
    epochs = tx.scalars(select(MeasurementRow.epoch).where(mine).order_by(MeasurementRow.epoch))
    chosen = MeasurementRow.epoch.in_(thinned(epochs.all(), most))
    rows = tx.execute(
        select(MeasurementRow.epoch, MeasurementRow.values)
        .where(mine, chosen)
        .order_by(MeasurementRow.epoch)
    )
    return tuple(_measurement(epoch, values) for epoch, values in rows)


def thinned(epochs: Sequence[int], most: int) -> tuple[int, ...]:
    """At most so many of them, 2 or more, evenly spread, the first and the last included."""
    if len(epochs) <= most:
        return tuple(epochs)
    step = (len(epochs) - 1) / (most - 1)
    return tuple(epochs[round(index * step)] for index in range(most))


def _measurement(epoch: int, values: dict[str, JsonValue]) -> Measurement:
    return Measurement.model_validate({"epoch": epoch, **values})
