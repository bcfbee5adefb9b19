"""The metrics of every epoch: written in batches under a lease, read from where a client left off.

A number that is not finite cannot be stored in JSON; it becomes null, and `non_finite` says what it
was.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Float, Row, and_, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.monitor import Monitored
from models.tables.experiments import ExperimentRow
from models.tables.trials import EpochRow, TrialRow
from models.views.trial import EpochPage, EpochView
from store import measurements
from store.clock import ago
from store.fence import Lease, fence, held
from store.upsert import replace

# Polls read these as columns: making an object of every row would double what a poll costs.
_SEEN = (
    EpochRow.epoch,
    EpochRow.metrics,
    EpochRow.non_finite,
    EpochRow.learning_rate,
    EpochRow.seconds,
    EpochRow.finished_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """One epoch, as its trainer reported it.

    Attributes:
        epoch: from 1.
        metrics: by their Keras names, validation metrics with val_ before; may be NaN or infinite.
        learning_rate: of its last step.
        seconds: how long the epoch took.
        age_seconds: how long ago it ended; more than a moment when the database was away.
    """

    epoch: int
    metrics: Mapping[str, float]
    learning_rate: float | None
    seconds: float
    age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Summary:
    """What a trial's row says of its epochs."""

    epochs_done: int
    seconds: float
    best_value: float | None
    best_epoch: int | None


def append(tx: Session, lease: Lease, rows: Sequence[EpochRecord]) -> None:
    """Write epochs, over those of an earlier attempt where there are any.

    Raises:
        LeaseLost: another attempt owns the trial, or nobody; nothing is written then.
    """
    if not rows:
        return
    fence(tx, lease)
    before, monitored = _before(tx, lease)
    tx.execute(
        replace(
            tx,
            EpochRow.__table__,
            ("trial_id", "epoch"),
            finished_at=ago(bindparam("age", type_=Float())),
        ),
        [_columns(lease, row) for row in rows],
    )
    rewritten = rows[0].epoch <= before.epochs_done
    after = _recounted(tx, lease, monitored) if rewritten else _added(before, rows, monitored)
    _note(tx, lease, after)


def settle(tx: Session, lease: Lease, resumed: int) -> None:
    """Forget what a fenced attempt, now at its end, did not train again of an earlier one.

    That attempt's network is gone, so an epoch after this one's last must neither be shown nor win.
    Nor is what it measured kept between what this one did: these are no neighbours.
    An attempt that went on from a checkpoint after epoch `resumed` may have had nothing left to
    train; 0 says that it began anew.
    """
    trained = tx.scalar(
        select(func.max(EpochRow.epoch)).where(
            EpochRow.trial_id == lease.trial_id, EpochRow.attempt == lease.attempt
        )
    )
    last = max(trained or 0, resumed)
    if not last:  # it never got so far as to have anything of its own
        return
    measurements.forget(tx, lease, after=resumed)
    later = and_(EpochRow.trial_id == lease.trial_id, EpochRow.epoch > last)
    if not tx.execute(delete(EpochRow).where(later).returning(EpochRow.epoch)).all():
        return
    _, monitored = _before(tx, lease)
    _note(tx, lease, _recounted(tx, lease, monitored))


def after(
    tx: Session, *, owner: str, experiment_id: str, number: int, after: int, limit: int
) -> EpochPage:
    """The epochs of a trial that follow epoch `after`, oldest first.

    Raises:
        NotFound: there is no such trial of this owner.
    """
    trial = tx.execute(
        select(TrialRow.id, TrialRow.state)
        .join(ExperimentRow, ExperimentRow.id == TrialRow.experiment_id)
        .where(
            TrialRow.experiment_id == experiment_id,
            TrialRow.number == number,
            ExperimentRow.owner == owner,
        )
    ).one_or_none()
    if trial is None:
        raise NotFound(f"There is no trial {number} of an experiment {experiment_id}.")
    rows = tx.execute(
        select(*_SEEN)
        .where(EpochRow.trial_id == trial.id, EpochRow.epoch > after)
        .order_by(EpochRow.epoch)
        .limit(limit + 1)
    ).all()
    data = tuple(view(row) for row in rows[:limit])
    more = len(rows) > limit
    return EpochPage(
        data=data,
        has_more=more,
        next_cursor=str(data[-1].epoch) if more else None,
        state=trial.state,
        is_terminal=trial.state.is_terminal,
    )


def view(row: EpochRow | Row[Any]) -> EpochView:
    """What a client sees of an epoch: a loaded one, or just the columns of `_SEEN`."""
    return EpochView(
        epoch=row.epoch,
        metrics=row.metrics,
        non_finite=row.non_finite,
        learning_rate=row.learning_rate,
        seconds=row.seconds,
        finished_at=row.finished_at,
    )


def _note(tx: Session, lease: Lease, summary: _Summary) -> None:
    tx.execute(
        update(TrialRow)
        .where(held(lease))
        .values(
            epochs_done=summary.epochs_done,
            seconds=summary.seconds,
            best_value=summary.best_value,
            best_epoch=summary.best_epoch,
        )
    )


def _before(tx: Session, lease: Lease) -> tuple[_Summary, Monitored]:
    row = tx.execute(
        select(
            TrialRow.epochs_done,
            TrialRow.seconds,
            TrialRow.best_value,
            TrialRow.best_epoch,
            ExperimentRow.metric,
            ExperimentRow.mode,
        )
        .join(ExperimentRow, ExperimentRow.id == TrialRow.experiment_id)
        .where(TrialRow.id == lease.trial_id)
    ).one()
    return _Summary(*row[:4]), Monitored(row.metric, row.mode)


def _columns(lease: Lease, row: EpochRecord) -> dict[str, object]:
    strange = {name: _name(value) for name, value in row.metrics.items() if _strange(value)}
    rate = row.learning_rate
    return {
        "trial_id": lease.trial_id,
        "epoch": row.epoch,
        "attempt": lease.attempt,
        "metrics": {name: None if name in strange else v for name, v in row.metrics.items()},
        "non_finite": strange or None,
        "learning_rate": None if rate is None or _strange(rate) else rate,
        "seconds": row.seconds,
        "age": row.age_seconds,
    }


def _added(before: _Summary, rows: Sequence[EpochRecord], monitored: Monitored) -> _Summary:
    value, epoch = before.best_value, before.best_epoch
    for row in rows:
        now = row.metrics.get(monitored.metric)
        finite = now is not None and not _strange(now)
        if now is not None and finite and (value is None or monitored.better(now, value)):
            value, epoch = now, row.epoch
    seconds = before.seconds + sum(row.seconds for row in rows)
    return _Summary(max(before.epochs_done, rows[-1].epoch), seconds, value, epoch)


def _recounted(tx: Session, lease: Lease, monitored: Monitored) -> _Summary:
    """From all epochs: an earlier attempt's were overwritten, maybe the best one."""
    rows = tx.scalars(
        select(EpochRow).where(EpochRow.trial_id == lease.trial_id).order_by(EpochRow.epoch)
    ).all()
    records = [
        EpochRecord(
            epoch=row.epoch,
            metrics={name: v for name, v in row.metrics.items() if v is not None},
            learning_rate=row.learning_rate,
            seconds=row.seconds,
        )
        for row in rows
    ]
    return _added(_Summary(0, 0.0, None, None), records, monitored)


def _strange(value: float) -> bool:
    return not math.isfinite(value)


def _name(value: float) -> str:
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
