"""Experiments as clients reach them: submitted, read and listed, changed, cancelled, deleted.

Every verb takes the owner; another's experiment is not found. How they go on is in `searches`.
"""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, insert, null, select, true, update
from sqlalchemy import delete as delete_from
from sqlalchemy.orm import Session

from models.errors import IllegalMove, NotFound
from models.findings import Finding
from models.ids import new_experiment_id
from models.lifecycle import ExperimentMove, State, TrialMove
from models.monitor import Monitored, monitored
from models.planning import PlannedTrial
from models.specs.experiment import ExperimentSpec
from models.tables.experiments import ExperimentLabelRow, ExperimentRow
from models.views.base import Page, Problem
from models.views.comparison import Conclusion
from models.views.experiment import ExperimentView
from store import cursors, datasets, events, keys, moves, standing
from store.clock import now
from store.moves import Locked
from store.trials import add


def submit(
    tx: Session,
    *,
    owner: str,
    spec: ExperimentSpec,
    dataset_id: str,
    trials: Sequence[PlannedTrial],
    warnings: Sequence[Finding] = (),
) -> ExperimentView:
    """Store an experiment with its first trials, and with what looks wrong about it.

    The doorbell rings after the commit.

    Raises:
        NotFound: there is no such dataset, or it is not this owner's.
        DatasetFailed: the dataset could not be read.
    """
    datasets.hold(tx, owner=owner, dataset_id=dataset_id)
    experiment_id = new_experiment_id()
    judged_by = monitored(spec.compile, spec.fit)
    tx.execute(
        insert(ExperimentRow).values(
            id=experiment_id,
            owner=owner,
            name=spec.name,
            state=State.QUEUED,
            spec=spec.model_dump(mode="json"),
            dataset_id=dataset_id,
            metric=judged_by.metric,
            mode=judged_by.mode,
            precedence=-spec.limits.priority,
            max_parallel=spec.limits.max_parallel,
            device=spec.limits.device,
            warnings=[warning.model_dump(mode="json") for warning in warnings] or null(),
            version=0,
            last_event=0,
            created_at=now(),
            rung_at=now(),
        )
    )
    labels = [
        {"experiment_id": experiment_id, "key": key, "value": value}
        for key, value in spec.labels.items()
    ]
    if labels:
        tx.execute(insert(ExperimentLabelRow), labels)
    reason = f"Submitted with {len(trials)} trial{'' if len(trials) == 1 else 's'}."
    events.append(tx, experiment_id, [events.Fact(kind="experiment.queued", reason=reason)])
    add(tx, experiment_id, trials)
    return get(tx, owner=owner, experiment_id=experiment_id)


def get(tx: Session, *, owner: str, experiment_id: str) -> ExperimentView:
    """One experiment as it stands.

    Raises:
        NotFound: there is no such experiment of this owner.
    """
    row = tx.scalar(select(ExperimentRow).where(_mine(owner, experiment_id)))
    if row is None:
        raise _not_found(experiment_id)
    return _views(tx, [row])[0]


def page(
    tx: Session,
    *,
    owner: str,
    state: State | None,
    labels: Mapping[str, str],
    cursor: str | None,
    limit: int,
) -> Page[ExperimentView]:
    """The newest first; only those in the state and with all of the labels.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    rows = tx.scalars(
        select(ExperimentRow)
        .where(
            ExperimentRow.owner == owner,
            ExperimentRow.state == state if state else true(),
            ExperimentRow.id < cursors.decode(cursor) if cursor else true(),
            *(_labelled(key, value) for key, value in labels.items()),
        )
        .order_by(ExperimentRow.id.desc())
        .limit(limit + 1)
    ).all()
    more = len(rows) > limit
    data = _views(tx, rows[:limit])
    following = cursors.encode(data[-1].id) if more else None
    return Page(data=data, has_more=more, next_cursor=following)


def version(tx: Session, *, owner: str, experiment_id: str) -> int:
    """The number that rises with every visible change: the ETag.

    Raises:
        NotFound: there is no such experiment of this owner.
    """
    found = tx.scalar(select(ExperimentRow.version).where(_mine(owner, experiment_id)))
    if found is None:
        raise _not_found(experiment_id)
    return found


def versions(tx: Session, ids: Collection[str]) -> Mapping[str, int]:
    """The versions of many experiments at once, for those who wait; deleted ones are left out."""
    query = select(ExperimentRow.id, ExperimentRow.version).where(ExperimentRow.id.in_(ids))
    return dict(tx.execute(query).all())


def judged_by(tx: Session, *, owner: str, experiment_id: str) -> Monitored:
    """By what its trials are compared; known also where its spec can no longer be read.

    Raises:
        NotFound: there is no such experiment of this owner.
    """
    query = select(ExperimentRow.metric, ExperimentRow.mode)
    row = tx.execute(query.where(_mine(owner, experiment_id))).one_or_none()
    if row is None:
        raise _not_found(experiment_id)
    return Monitored(row.metric, row.mode)


def cancel(tx: Session, *, owner: str, experiment_id: str) -> ExperimentView:
    """Cancel what is queued at once, and ask the workers of what is running to end it.

    Again is the same as once. One that has begun has something to conclude, so it has to be
    advanced, also when none of its trials is running at this moment.

    Raises:
        NotFound: there is no such experiment of this owner.
        IllegalMove: it is over, and was not cancelled.
    """
    experiment = _lock_mine(tx, owner, experiment_id)
    if experiment.state in {State.CANCELLING, State.CANCELLED}:
        return get(tx, owner=owner, experiment_id=experiment_id)
    if experiment.state.is_terminal:
        raise IllegalMove(f"The experiment is over: it {experiment.state}.")
    reason = "A client cancelled the experiment."
    moves.cancel_queued(tx, experiment_id, reason)
    moves.trials(tx, experiment_id, true(), State.RUNNING, TrialMove.REQUEST_CANCEL, reason=reason)
    begun = experiment.state is State.RUNNING
    move = ExperimentMove.REQUEST_CANCEL if begun else ExperimentMove.CANCEL
    moves.experiment(tx, experiment_id, experiment.state, move, reason=reason)
    return get(tx, owner=owner, experiment_id=experiment_id)


def set_max_parallel(
    tx: Session, *, owner: str, experiment_id: str, max_parallel: int
) -> ExperimentView:
    """Let so many of its trials train at the same time, from the next claim on.

    Those that run beyond that are left to end. Where more may run now, the bell has to ring.

    Raises:
        NotFound: there is no such experiment of this owner.
        IllegalMove: it is over, or will be as soon as its trainers have ended.
    """
    experiment = _lock_mine(tx, owner, experiment_id)
    if experiment.state is State.CANCELLING or experiment.state.is_terminal:
        raise IllegalMove(f"The experiment is {experiment.state}; no trial of it will start.")
    this = ExperimentRow.id == experiment_id
    spec, before = tx.execute(
        select(ExperimentRow.spec, ExperimentRow.max_parallel).where(this)
    ).one()
    if before != max_parallel:
        limits = {**spec.get("limits", {}), "max_parallel": max_parallel}
        values = {"spec": {**spec, "limits": limits}, "max_parallel": max_parallel}
        tx.execute(update(ExperimentRow).where(this).values(values))
        reason = f"A client changed max_parallel from {before} to {max_parallel}."
        events.append(tx, experiment_id, [events.Fact(kind="experiment.changed", reason=reason)])
    return get(tx, owner=owner, experiment_id=experiment_id)


def delete(tx: Session, *, owner: str, experiment_id: str) -> str:
    """Remove an experiment that is over, with everything of it.

    Returns:
        The key of the folder with all its files, to be deleted after the commit. It may also hold
        what no row names: the last file of a worker that lost its lease.

    Raises:
        NotFound: there is no such experiment of this owner.
        IllegalMove: it is not over.
    """
    experiment = _lock_mine(tx, owner, experiment_id)
    if not experiment.state.is_terminal:
        raise IllegalMove(f"The experiment is {experiment.state}; cancel it first.")
    tx.execute(delete_from(ExperimentRow).where(ExperimentRow.id == experiment_id))
    return keys.experiment_folder(experiment_id)


def _mine(owner: str, experiment_id: str) -> ColumnElement[bool]:
    return and_(ExperimentRow.id == experiment_id, ExperimentRow.owner == owner)


def _not_found(experiment_id: str) -> NotFound:
    return NotFound(f"There is no experiment {experiment_id}.")


def _lock_mine(tx: Session, owner: str, experiment_id: str) -> Locked:
    experiment = moves.lock(tx, experiment_id)
    if experiment is None or experiment.owner != owner:
        raise _not_found(experiment_id)
    return experiment


def _labelled(key: str, value: str) -> ColumnElement[bool]:
    return ExperimentRow.id.in_(
        select(ExperimentLabelRow.experiment_id).where(
            ExperimentLabelRow.key == key, ExperimentLabelRow.value == value
        )
    )


def _labels(tx: Session, ids: Sequence[str]) -> Mapping[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    query = select(ExperimentLabelRow).where(ExperimentLabelRow.experiment_id.in_(ids))
    for row in tx.scalars(query):
        found.setdefault(row.experiment_id, {})[row.key] = row.value
    return found


def _views(tx: Session, rows: Sequence[ExperimentRow]) -> tuple[ExperimentView, ...]:
    progress = standing.progress(tx, rows)
    best = standing.best(tx, rows)
    labels = _labels(tx, [row.id for row in rows])
    return tuple(
        ExperimentView(
            id=row.id,
            name=row.name,
            labels=labels.get(row.id, {}),
            state=row.state,
            spec=row.spec,
            version=row.version,
            progress=progress[row.id],
            best=best.get(row.id),
            conclusion=Conclusion.model_validate(row.conclusion) if row.conclusion else None,
            findings=tuple(Finding.model_validate(finding) for finding in row.findings or ()),
            warnings=tuple(Finding.model_validate(warning) for warning in row.warnings or ()),
            error=Problem.model_validate(row.error) if row.error else None,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )
        for row in rows
    )
