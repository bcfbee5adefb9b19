"""Experiments: submitted with their trials, read and listed, cancelled, concluded, deleted.

Every verb that a client reaches takes the owner; another's experiment is not found.
"""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, and_, insert, null, select, true, update
from sqlalchemy import delete as delete_from
from sqlalchemy.orm import Session

from models.errors import IllegalMove, NotFound
from models.findings import Finding
from models.ids import new_experiment_id
from models.lifecycle import ACTIVE, ExperimentMove, State, StopReason, TrialMove
from models.monitor import Monitored, monitored
from models.planning import PlannedTrial
from models.specs.experiment import ExperimentSpec
from models.tables.experiments import ExperimentLabelRow, ExperimentRow
from models.tables.trials import TrialRow
from models.views.base import Page, Problem
from models.views.comparison import Conclusion
from models.views.experiment import ExperimentView
from store import cursors, datasets, events, keys, moves, standing
from store.clock import now
from store.moves import Locked
from store.trials import add

_CONCLUSIONS = {
    State.SUCCEEDED: ExperimentMove.SUCCEED,
    State.FAILED: ExperimentMove.FAIL,
    State.CANCELLED: ExperimentMove.CANCEL,
}


def submit(
    tx: Session,
    *,
    owner: str,
    spec: ExperimentSpec,
    dataset_id: str,
    trials: Sequence[PlannedTrial],
) -> ExperimentView:
    """Store an experiment with its first trials. The doorbell rings after the commit.

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


def spec_of(tx: Session, experiment_id: str) -> ExperimentSpec:
    """The spec, as it was submitted.

    Raises:
        NotFound: there is no such experiment.
    """
    spec = tx.scalar(select(ExperimentRow.spec).where(ExperimentRow.id == experiment_id))
    if spec is None:
        raise _not_found(experiment_id)
    return ExperimentSpec.model_validate(spec)


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


def dataset_of(tx: Session, experiment_id: str) -> str:
    """The id of the dataset that it trains on.

    Raises:
        NotFound: there is no such experiment.
    """
    found = tx.scalar(select(ExperimentRow.dataset_id).where(ExperimentRow.id == experiment_id))
    if found is None:
        raise _not_found(experiment_id)
    return found


def lock(tx: Session, experiment_id: str) -> Locked | None:
    """Lock an experiment to advance it; None when it was deleted."""
    return moves.lock(tx, experiment_id)


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
    _cancel_queued(tx, experiment_id, reason)
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


def given_up(tx: Session, experiment_id: str) -> Problem | None:
    """Why its search was given up, if it was; what still runs may be training yet."""
    error = tx.scalar(select(ExperimentRow.error).where(ExperimentRow.id == experiment_id))
    return Problem.model_validate(error) if error else None


def give_up(tx: Session, experiment_id: str, problem: Problem) -> None:
    """Start no other trial of a locked experiment; it is concluded when those that run are over.

    They are left to end: what they have trained so far is worth more than the time they still
    take, and one that succeeds shows that the cause is not everywhere.
    """
    reason = problem.detail
    this = ExperimentRow.id == experiment_id
    error = problem.model_dump(mode="json")
    tx.execute(update(ExperimentRow).where(this).values(error=error))
    events.append(tx, experiment_id, [events.Fact(kind="experiment.given_up", reason=reason)])
    _cancel_queued(tx, experiment_id, reason)


def conclude(
    tx: Session,
    experiment_id: str,
    state: State,
    conclusion: Conclusion | None,
    *,
    error: Problem | None = None,
    findings: Sequence[Finding] = (),
) -> None:
    """End an experiment whose trials are all over.

    Raises:
        NotFound: there is no such experiment.
        IllegalMove: it is over already, or cannot end like this.
    """
    experiment = moves.lock(tx, experiment_id)
    if experiment is None:
        raise _not_found(experiment_id)
    reason = error.detail if error else conclusion.reason if conclusion else "All trials are over."
    moves.experiment(
        tx,
        experiment_id,
        experiment.state,
        _CONCLUSIONS[state],
        reason=reason,
        values={
            "conclusion": conclusion.model_dump(mode="json") if conclusion else null(),
            "error": error.model_dump(mode="json") if error else null(),
            "findings": [finding.model_dump(mode="json") for finding in findings] or null(),
        },
    )


def unadvanced(tx: Session, limit: int = 100) -> tuple[str, ...]:
    """Experiments that are not over although no trial of theirs is left to run."""
    has_active = (
        select(TrialRow.id)
        .where(TrialRow.experiment_id == ExperimentRow.id, TrialRow.state.in_(ACTIVE))
        .exists()
    )
    query = select(ExperimentRow.id).where(ExperimentRow.finished_at.is_(None), ~has_active)
    return tuple(tx.scalars(query.limit(limit)).all())


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


def _cancel_queued(tx: Session, experiment_id: str, reason: str) -> None:
    moves.trials(
        tx,
        experiment_id,
        true(),
        State.QUEUED,
        TrialMove.CANCEL,
        reason=reason,
        values={"stop_reason": StopReason.CANCELLED},
    )


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
            error=Problem.model_validate(row.error) if row.error else None,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )
        for row in rows
    )
