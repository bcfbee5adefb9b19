"""The trials of an experiment: added by a search, read by clients, cancelled one by one."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, and_, func, insert, select
from sqlalchemy.orm import Session

from models.errors import IllegalMove, NotFound
from models.findings import Finding
from models.lifecycle import ACTIVE, State, StopReason, TrialMove
from models.planning import PlannedTrial
from models.tables.base import table_of
from models.tables.datasets import ArtifactKind, ArtifactRow
from models.tables.experiments import ExperimentRow
from models.tables.trials import AttemptRow, EpochRow, TrialRow
from models.views.base import Page, Problem
from models.views.trial import AttemptView, Best, EpochView, TrialView
from store import cursors, epochs, events, moves
from store.artifacts import Stored
from store.clock import now

_INSERT = insert(table_of(TrialRow)).values(created_at=now(), queued_at=now())


def add(tx: Session, experiment_id: str, planned: Sequence[PlannedTrial]) -> int:
    """Add trials to a locked experiment, as its search asks for them, each with its reason.

    One that cannot be trained has failed from its start: it is part of what the search did, and a
    strategy that is rebuilt from rows must see that it was tried.

    Returns:
        How many of them came into the queue; the others cannot be trained.
    """
    last = tx.scalar(
        select(func.max(TrialRow.number)).where(TrialRow.experiment_id == experiment_id)
    )
    queued, failed, facts = [], [], []
    for number, trial in enumerate(planned, start=(last or 0) + 1):
        row, problem = _columns(experiment_id, number, trial), trial.problem
        state, reason = State.QUEUED, trial.proposal.reason
        if problem is None:
            queued.append(row | {"state": state})
        else:
            state, reason = State.FAILED, f"{reason}. {problem.detail}"
            error = problem.model_dump(mode="json")
            end = {"state": state, "stop_reason": StopReason.ERROR, "error": error}
            failed.append(row | end)
        facts.append(events.Fact(kind=f"trial.{state}", reason=reason, trial=number))
    events.append(tx, experiment_id, facts)
    if queued:
        tx.execute(_INSERT, queued)
    if failed:
        tx.execute(_INSERT.values(finished_at=now()), failed)
    return len(queued)


def get(tx: Session, *, owner: str, experiment_id: str, number: int) -> TrialView:
    """One trial.

    Raises:
        NotFound: there is no such trial of this owner.
    """
    rows = tx.execute(_of(owner, experiment_id).where(TrialRow.number == number)).all()
    if not rows:
        raise NotFound(f"There is no trial {number} of an experiment {experiment_id}.")
    return _views(tx, rows)[0]


def page(
    tx: Session, *, owner: str, experiment_id: str, cursor: str | None, limit: int
) -> Page[TrialView]:
    """The trials by number.

    Raises:
        NotFound: there is no such experiment of this owner.
        Invalid: the cursor is not one of ours.
    """
    after = cursors.decode_number(cursor) if cursor else 0
    rows = tx.execute(
        _of(owner, experiment_id)
        .where(TrialRow.number > after)
        .order_by(TrialRow.number)
        .limit(limit + 1)
    ).all()
    if not rows:
        _make_sure_it_is_there(tx, owner, experiment_id)
    data = _views(tx, rows[:limit])
    more = len(rows) > limit
    following = cursors.encode(str(data[-1].number)) if more else None
    return Page(data=data, has_more=more, next_cursor=following)


def cancel(tx: Session, *, owner: str, experiment_id: str, number: int) -> TrialView:
    """Cancel a queued trial at once, or ask the worker of a running one to end it.

    A queued one is over now, so its experiment has to be advanced. Again is the same as once.

    Raises:
        NotFound: there is no such trial of this owner.
        IllegalMove: it is over, and was not cancelled.
    """
    moves.lock(tx, experiment_id)
    trial = get(tx, owner=owner, experiment_id=experiment_id, number=number)
    if trial.state in {State.CANCELLING, State.CANCELLED}:
        return trial
    if trial.is_terminal:
        raise IllegalMove(f"The trial is over: it {trial.state}.")
    queued = trial.state is State.QUEUED
    moves.trials(
        tx,
        experiment_id,
        TrialRow.number == number,
        trial.state,
        TrialMove.CANCEL if queued else TrialMove.REQUEST_CANCEL,
        reason="A client cancelled the trial.",
        values={"stop_reason": StopReason.CANCELLED} if queued else None,
    )
    return get(tx, owner=owner, experiment_id=experiment_id, number=number)


def any_in(tx: Session, experiment_id: str, states: Collection[State] = ACTIVE) -> bool:
    """Whether a trial is in one of these states; left out: whether one is not over."""
    chosen = and_(TrialRow.experiment_id == experiment_id, TrialRow.state.in_(states))
    return tx.scalar(select(TrialRow.id).where(chosen).limit(1)) is not None


def network(tx: Session, *, owner: str, experiment_id: str, number: int) -> Stored:
    """Where the trained network of a trial is stored.

    Raises:
        NotFound: there is no such trial of this owner, or it has no network.
    """
    row = tx.execute(
        select(ArtifactRow.key, ArtifactRow.sha256, ArtifactRow.bytes)
        .join(ExperimentRow, ExperimentRow.id == ArtifactRow.experiment_id)
        .where(
            ArtifactRow.kind == ArtifactKind.NETWORK,
            ArtifactRow.experiment_id == experiment_id,
            ArtifactRow.trial == number,
            ExperimentRow.owner == owner,
        )
    ).one_or_none()
    if row is None:
        get(tx, owner=owner, experiment_id=experiment_id, number=number)
        raise NotFound(f"Trial {number} has no network: it is not over, or did not succeed.")
    return Stored(*row)


def _columns(experiment_id: str, number: int, trial: PlannedTrial) -> dict[str, Any]:
    proposal = trial.proposal
    return {
        "experiment_id": experiment_id,
        "number": number,
        "candidate": proposal.candidate,
        "repeat": proposal.repeat,
        "seed": proposal.seed,
        "setting": dict(proposal.setting),
        "changes": dict(proposal.changes),
        "reason": proposal.reason,
        "parameters": trial.parameters,
        "epochs_planned": trial.epochs,
    }


def _of(owner: str, experiment_id: str) -> Select[TrialRow, str]:
    return (
        select(TrialRow, ExperimentRow.metric)
        .join(ExperimentRow, ExperimentRow.id == TrialRow.experiment_id)
        .where(TrialRow.experiment_id == experiment_id, ExperimentRow.owner == owner)
    )


def _make_sure_it_is_there(tx: Session, owner: str, experiment_id: str) -> None:
    mine = ExperimentRow.owner == owner
    if tx.scalar(select(ExperimentRow.id).where(ExperimentRow.id == experiment_id, mine)) is None:
        raise NotFound(f"There is no experiment {experiment_id}.")


def _views(tx: Session, rows: Sequence[tuple[TrialRow, str]]) -> tuple[TrialView, ...]:
    ids = [row.id for row, _ in rows]
    attempts = _attempts(tx, ids)
    latest = _latest(tx, ids)
    return tuple(
        _view(row, metric, attempts.get(row.id, ()), latest.get(row.id)) for row, metric in rows
    )


def _attempts(tx: Session, ids: Sequence[int]) -> Mapping[int, Sequence[AttemptView]]:
    found: dict[int, list[AttemptView]] = {}
    query = select(AttemptRow).where(AttemptRow.trial_id.in_(ids)).order_by(AttemptRow.number)
    for row in tx.scalars(query):
        attempt = AttemptView(
            number=row.number,
            worker=row.worker,
            started_at=row.started_at,
            ended_at=row.ended_at,
            outcome=row.outcome,
        )
        found.setdefault(row.trial_id, []).append(attempt)
    return found


def _latest(tx: Session, ids: Sequence[int]) -> Mapping[int, EpochView]:
    query = (
        select(EpochRow)
        .join(TrialRow, TrialRow.id == EpochRow.trial_id)
        .where(TrialRow.id.in_(ids), EpochRow.epoch == TrialRow.epochs_done)
    )
    return {row.trial_id: epochs.view(row) for row in tx.scalars(query)}


def _view(
    row: TrialRow, metric: str, attempts: Sequence[AttemptView], latest: EpochView | None
) -> TrialView:
    has_best = row.best_value is not None and row.best_epoch is not None
    return TrialView(
        experiment=row.experiment_id,
        number=row.number,
        setting=row.setting,
        repeat=row.repeat,
        seed=row.seed,
        reason=row.reason,
        parameters=row.parameters,
        state=row.state,
        stop_reason=row.stop_reason,
        epochs=row.epochs_done,
        epochs_planned=row.epochs_planned,
        best=Best(metric=metric, value=row.best_value, epoch=row.best_epoch) if has_best else None,
        latest=latest,
        attempts=tuple(attempts),
        engine=row.engine,
        findings=tuple(Finding.model_validate(finding) for finding in row.findings or ()),
        error=Problem.model_validate(row.error) if row.error else None,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
