"""How far experiments are and which trial leads, counted from the rows: a few queries for a page.

Nothing here is stored, so nothing can disagree with the trials.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from models.lifecycle import State
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from models.views.experiment import BestTrial, Progress
from store.clock import now

# Of those that wait behind more experiments than this, the position is "at least".
MAX_COUNTED_AHEAD = 1000


@dataclass(slots=True)
class _Count:
    """The trials of one experiment, added up."""

    trials: dict[State, int] = field(default_factory=dict)
    trained: int = 0
    """Epochs really trained."""
    counted: int = 0
    """Epochs done, where a trial that is over counts in full."""
    planned: int = 0
    asked_at: datetime | None = None


def progress(tx: Session, experiments: Sequence[ExperimentRow]) -> Mapping[str, Progress]:
    """How far each of them is."""
    counts = _counts(tx, [row.id for row in experiments])
    queued = [row.id for row in experiments if row.state is State.QUEUED]
    positions = _queue_positions(tx, queued) if queued else {}
    return {
        row.id: Progress(
            trials=counts[row.id].trials,
            epochs_done=counts[row.id].trained,
            epochs_planned=counts[row.id].planned,
            fraction=_fraction(row, counts[row.id]),
            eta_seconds=_eta_seconds(row, counts[row.id]),
            queue_position=positions.get(row.id),
        )
        for row in experiments
    }


def best(tx: Session, experiments: Sequence[ExperimentRow]) -> Mapping[str, BestTrial]:
    """The leading trial of each that has one; the earliest of equals."""
    metrics = {row.id: row.metric for row in experiments}
    score = case((ExperimentRow.mode == "max", -TrialRow.best_value), else_=TrialRow.best_value)
    place = func.row_number().over(
        partition_by=TrialRow.experiment_id, order_by=(score, TrialRow.number)
    )
    ranked = (
        select(
            TrialRow.experiment_id,
            TrialRow.number,
            TrialRow.setting,
            TrialRow.best_value,
            TrialRow.best_epoch,
            place.label("place"),
        )
        .join(ExperimentRow, ExperimentRow.id == TrialRow.experiment_id)
        .where(TrialRow.experiment_id.in_(metrics), TrialRow.best_value.is_not(None))
        .subquery()
    )
    return {
        row.experiment_id: BestTrial(
            trial=row.number,
            setting=row.setting,
            metric=metrics[row.experiment_id],
            value=row.best_value,
            epoch=row.best_epoch,
        )
        for row in tx.execute(select(ranked).where(ranked.c.place == 1))
    }


def _counts(tx: Session, ids: Sequence[str]) -> Mapping[str, _Count]:
    rows = tx.execute(
        select(
            TrialRow.experiment_id,
            TrialRow.state,
            func.count(),
            func.sum(TrialRow.epochs_done),
            func.sum(TrialRow.epochs_planned),
            now(),
        )
        .where(TrialRow.experiment_id.in_(ids))
        .group_by(TrialRow.experiment_id, TrialRow.state)
    )
    counts: dict[str, _Count] = defaultdict(_Count)
    for experiment_id, state, trials, done, planned, asked_at in rows:
        count = counts[experiment_id]
        count.trials[state] = trials
        count.trained += int(done)
        count.counted += int(planned if state.is_terminal else done)
        count.planned += int(planned)
        count.asked_at = asked_at
    return counts


def _queue_positions(tx: Session, ids: Sequence[str]) -> Mapping[str, int]:
    """How many queued trials of other experiments are served before theirs."""
    mine = tuple_(ExperimentRow.precedence, ExperimentRow.created_at, ExperimentRow.id)
    other = aliased(ExperimentRow)
    queued = (
        select(func.count())
        .select_from(TrialRow)
        .where(TrialRow.experiment_id == other.id, TrialRow.state == State.QUEUED)
        .correlate(other)
        .scalar_subquery()
    )
    ahead = (
        select(queued.label("queued"))
        .where(
            other.finished_at.is_(None),
            tuple_(other.precedence, other.created_at, other.id) < mine,
        )
        .limit(MAX_COUNTED_AHEAD)
        .correlate(ExperimentRow)
        .subquery()
    )
    total = select(func.coalesce(func.sum(ahead.c.queued), 0)).scalar_subquery()
    rows = tx.execute(select(ExperimentRow.id, total).where(ExperimentRow.id.in_(ids))).all()
    return {experiment_id: int(position) for experiment_id, position in rows}


def _fraction(row: ExperimentRow, count: _Count) -> float:
    if row.state.is_terminal:
        return 1.0
    return min(1.0, count.counted / count.planned) if count.planned else 0.0


def _eta_seconds(row: ExperimentRow, count: _Count) -> float | None:
    """What is left, at the pace since the experiment started."""
    if row.state.is_terminal or not count.trained or not row.started_at or not count.asked_at:
        return None
    elapsed = (count.asked_at - row.started_at).total_seconds()
    return max(0.0, (count.planned - count.counted) * elapsed / count.trained)
