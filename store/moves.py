"""Moves trials and experiments from state to state: guarded UPDATEs, each with its event.

Everything that changes a state goes through here, so nothing happens that the lifecycle does not
list, and no move goes unrecorded. Whoever moves trials has locked their experiment before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Float, bindparam, func, insert, null, select, true, update
from sqlalchemy.orm import Session

from models.errors import IllegalMove
from models.lifecycle import (
    EXPERIMENT_MOVES,
    HELD,
    TRIAL_MOVES,
    ExperimentMove,
    State,
    StopReason,
    TrialMove,
)
from models.tables.base import table_of
from models.tables.experiments import ExperimentRow
from models.tables.trials import AttemptRow, TrialRow
from models.views.base import Problem
from store import checkpoints, events
from store.clock import now

_TRIALS = table_of(TrialRow)


@dataclass(frozen=True, slots=True)
class Moved:
    """A trial that was moved.

    Attributes:
        worker: who holds it now, or held it until this move; None when nobody did.
    """

    trial_id: int
    number: int
    attempt: int
    worker: str | None


@dataclass(frozen=True, slots=True)
class Locked:
    """An experiment whose row is locked until the transaction ends."""

    id: str
    owner: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A queued trial, and the state of its experiment, which is locked."""

    trial_id: int
    number: int
    experiment_id: str
    experiment_state: State


def lock(tx: Session, experiment_id: str) -> Locked | None:
    """Lock an experiment: always before its trials, so that no two transactions can deadlock.

    None when it does not exist (any more).
    """
    row = tx.execute(
        select(ExperimentRow.id, ExperimentRow.owner, ExperimentRow.state)
        .where(ExperimentRow.id == experiment_id)
        .with_for_update()
    ).one_or_none()
    return Locked(*row) if row else None


def trials(
    tx: Session,
    experiment_id: str,
    chosen: ColumnElement[bool],
    source: State,
    move: TrialMove,
    *,
    reason: str,
    outcome: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> tuple[Moved, ...]:
    """Move those of an experiment's trials that are chosen and still in the source state.

    `reason` is for a person; `outcome` says how their attempts ended, for a move that ends them;
    `values` are more columns to set.

    Raises:
        IllegalMove: the lifecycle does not allow this move from there.
    """
    target = _target(TRIAL_MOVES, source, move, "trial")
    rows = tx.execute(
        update(TrialRow)
        .where(TrialRow.experiment_id == experiment_id, TrialRow.state == source, chosen)
        .values({"state": target, **_consequences(target), **(values or {})})
        .returning(TrialRow.id, TrialRow.number, TrialRow.attempt, TrialRow.worker)
    ).all()
    moved = tuple(sorted((Moved(*row) for row in rows), key=lambda trial: trial.number))
    if source in HELD and target not in HELD:
        moved = _end_attempts(tx, moved, outcome or target)
    if target.is_terminal:
        checkpoints.forget_all(
            tx, experiment_id, [trial.number for trial in moved if trial.attempt]
        )
    facts = [
        events.Fact(
            kind=f"trial.{target}",
            reason=reason,
            trial=trial.number,
            attempt=trial.attempt or None,
            worker=trial.worker,
        )
        for trial in moved
    ]
    events.append(tx, experiment_id, facts)
    return moved


def fail_queued(tx: Session, experiment_id: str, problem: Problem) -> tuple[Moved, ...]:
    """Fail all queued trials of an experiment of what none of them can be trained for.

    Left in the queue they would be claimed again and again, before everybody else's.
    """
    return trials(
        tx,
        experiment_id,
        true(),
        State.QUEUED,
        TrialMove.FAIL,
        reason=problem.detail,
        values={"stop_reason": StopReason.ERROR, "error": problem.model_dump(mode="json")},
    )


def cancel_queued(tx: Session, experiment_id: str, reason: str) -> None:
    """Cancel all queued trials of an experiment, of which no other is to start."""
    trials(
        tx,
        experiment_id,
        true(),
        State.QUEUED,
        TrialMove.CANCEL,
        reason=reason,
        values={"stop_reason": StopReason.CANCELLED},
    )


def claim(tx: Session, trial: Waiting, worker: str, lease_seconds: float) -> int:
    """Give a queued trial to a worker; the first of an experiment starts that too.

    Every trial comes this way and a worker waits meanwhile, so its statements are built once, and
    the trial is found by its id alone: a planner without statistics takes the index by experiment
    for as good, and walks ten thousand queued trials there.

    Returns:
        The number of the attempt.

    Raises:
        IllegalMove: it is no longer queued.
    """
    attempt: int | None = tx.execute(
        _CLAIM, {"trial": trial.trial_id, "holder": worker, "lease_seconds": lease_seconds}
    ).scalar_one_or_none()
    if attempt is None:
        raise IllegalMove("The trial is no longer queued.")
    tx.execute(_BEGIN, {"trial_id": trial.trial_id, "number": attempt, "worker": worker})
    again = f" again, as attempt {attempt}," if attempt > 1 else ""
    facts = [
        events.Fact(
            kind=f"trial.{_CLAIMED}",
            reason=f"Claimed{again} by {worker}.",
            trial=trial.number,
            attempt=attempt,
            worker=worker,
        )
    ]
    if trial.experiment_state is State.QUEUED:
        reason = f"Trial {trial.number} started."
        facts.append(
            _move_experiment(
                tx, trial.experiment_id, State.QUEUED, ExperimentMove.START, reason, {}
            )
        )
    events.append(tx, trial.experiment_id, facts)
    return attempt


def experiment(
    tx: Session,
    experiment_id: str,
    source: State,
    move: ExperimentMove,
    *,
    reason: str,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Move a locked experiment.

    Raises:
        IllegalMove: the lifecycle does not allow this move from there, or it is not there.
    """
    fact = _move_experiment(tx, experiment_id, source, move, reason, values or {})
    events.append(tx, experiment_id, [fact])


def _move_experiment(  # noqa: PLR0917 - private
    tx: Session,
    experiment_id: str,
    source: State,
    move: ExperimentMove,
    reason: str,
    values: Mapping[str, Any],
) -> events.Fact:
    """Move it, and give the fact that is to be appended."""
    target = _target(EXPERIMENT_MOVES, source, move, "experiment")
    consequences: dict[str, Any] = {}
    if target is State.RUNNING:
        consequences["started_at"] = now()
    if target.is_terminal:
        consequences["finished_at"] = now()
    moved = tx.execute(
        update(ExperimentRow)
        .where(ExperimentRow.id == experiment_id, ExperimentRow.state == source)
        .values({"state": target, **consequences, **values})
        .returning(ExperimentRow.id)
    ).all()
    if not moved:
        raise IllegalMove(f"The experiment is no longer {source}.")
    return events.Fact(kind=f"experiment.{target}", reason=reason)


def _target(table: Mapping[tuple[State, Any], State], source: State, move: str, noun: str) -> State:
    target = table.get((source, move))
    if target is None:
        raise IllegalMove(f"The {noun} is {source}; {move.replace('_', ' ')} is not possible then.")
    return target


def _consequences(target: State) -> dict[str, Any]:
    """What else is true of a trial in this state."""
    if target is State.RUNNING:
        return {
            "attempt": _TRIALS.c.attempt + 1,
            "started_at": func.coalesce(_TRIALS.c.started_at, now()),
        }
    if target is State.CANCELLING:
        return {}
    free = {"worker": null(), "lease_until": null()}
    return {**free, "queued_at" if target is State.QUEUED else "finished_at": now()}


_CLAIMED = TRIAL_MOVES[State.QUEUED, TrialMove.CLAIM]
_CLAIM = (
    update(_TRIALS)
    .where(_TRIALS.c.id == bindparam("trial"), _TRIALS.c.state == State.QUEUED)
    .values(
        {
            "state": _CLAIMED,
            **_consequences(_CLAIMED),
            "worker": bindparam("holder"),
            "lease_until": now(bindparam("lease_seconds", type_=Float())),
            "error": null(),
        }
    )
    .returning(_TRIALS.c.attempt)
)
_BEGIN = insert(table_of(AttemptRow)).values(started_at=now())


def _end_attempts(tx: Session, moved: Sequence[Moved], outcome: str) -> tuple[Moved, ...]:
    """End them, and learn whose they were: the trials no longer say so."""
    workers = {
        trial.trial_id: tx.scalar(
            update(AttemptRow)
            .where(AttemptRow.trial_id == trial.trial_id, AttemptRow.number == trial.attempt)
            .values(ended_at=now(), outcome=outcome)
            .returning(AttemptRow.worker)
        )
        for trial in moved
    }
    return tuple(replace(trial, worker=workers[trial.trial_id]) for trial in moved)
