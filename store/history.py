"""What became of an experiment's trials, for whoever decides what comes next or what it showed."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, select, true
from sqlalchemy.orm import Session

from models.lifecycle import State
from models.tables.experiments import ExperimentRow
from models.tables.trials import EpochRow, RowLossesRow, TrialRow
from models.trial import TrialResult
from models.views.base import Problem

# Whole rows have findings, which take longer to read than all the rest.
_OF_RESULTS = (
    TrialRow.number,
    TrialRow.candidate,
    TrialRow.repeat,
    TrialRow.seed,
    TrialRow.setting,
    TrialRow.changes,
    TrialRow.state,
    TrialRow.stop_reason,
    TrialRow.best_value,
    TrialRow.best_epoch,
    TrialRow.epochs_done,
    TrialRow.parameters,
    TrialRow.seconds,
    TrialRow.error,
)


def results(
    tx: Session, experiment_id: str, numbers: Collection[int] | None = None
) -> tuple[TrialResult, ...]:
    """What a search or a ranking needs of every trial, by number; or of these alone."""
    rows = tx.execute(
        select(*_OF_RESULTS, ExperimentRow.metric, RowLossesRow.rows)
        .join(ExperimentRow, ExperimentRow.id == TrialRow.experiment_id)
        .outerjoin(RowLossesRow, RowLossesRow.trial_id == TrialRow.id)
        .where(TrialRow.experiment_id == experiment_id, _one_of(numbers))
        .order_by(TrialRow.number)
    )
    return tuple(
        TrialResult(
            number=row.number,
            candidate=row.candidate,
            repeat=row.repeat,
            seed=row.seed,
            setting=row.setting,
            changes=row.changes,
            state=row.state,
            stop_reason=row.stop_reason,
            metric=row.metric if row.epochs_done else None,
            score=row.best_value,
            best_epoch=row.best_epoch,
            epochs=row.epochs_done,
            parameters=row.parameters,
            seconds=row.seconds,
            error_code=row.error["code"] if row.error else None,
            validation_rows=row.rows,
        )
        for row in rows
    )


def curves(
    tx: Session, experiment_id: str, numbers: Collection[int] | None = None
) -> Mapping[int, Sequence[Mapping[str, float | None]]]:
    """The metrics of every epoch: trial number -> epochs 1, 2, …; trials without any left out.

    Only of these trials where `numbers` are given.
    """
    rows = tx.execute(
        select(TrialRow.number, EpochRow.metrics)
        .join(EpochRow, EpochRow.trial_id == TrialRow.id)
        .where(
            TrialRow.experiment_id == experiment_id,
            _one_of(numbers),
        )
        .order_by(TrialRow.number, EpochRow.epoch)
    )
    found: dict[int, list[Mapping[str, float | None]]] = {}
    for number, metrics in rows:
        found.setdefault(number, []).append(metrics)
    return found


def errors(tx: Session, experiment_id: str) -> tuple[Problem, ...]:
    """Why trials failed, by number; those that did not are left out."""
    rows = tx.scalars(
        select(TrialRow.error)
        .where(TrialRow.experiment_id == experiment_id, TrialRow.state == State.FAILED)
        .order_by(TrialRow.number)
    )
    return tuple(Problem.model_validate(error) for error in rows if error)


def latest_ends(tx: Session, experiment_id: str, count: int) -> tuple[Problem | None, ...]:
    """How the last trials ended that were trained, the newest first: of what they failed, or None.

    Cancelled ones are left out, and those that never began: they could not be planned, or their
    data could not be read. Asked at the end of every trial, so without enough failures it is no
    more than a look into an index.
    """
    mine = and_(TrialRow.experiment_id == experiment_id, TrialRow.attempt > 0)
    failed = select(TrialRow.id).where(mine, TrialRow.state == State.FAILED).limit(count)
    if len(tx.scalars(failed).all()) < count:
        return ()
    rows = tx.execute(
        select(TrialRow.error)
        .where(mine, TrialRow.state.in_((State.SUCCEEDED, State.FAILED)))
        .order_by(TrialRow.finished_at.desc(), TrialRow.number.desc())
        .limit(count)
    )
    return tuple(Problem.model_validate(error) if error else None for (error,) in rows)


def _one_of(numbers: Collection[int] | None) -> ColumnElement[bool]:
    return true() if numbers is None else TrialRow.number.in_(numbers)
