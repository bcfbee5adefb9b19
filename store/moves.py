"""Moves trials and experiments from state to state: guarded UPDATEs, each with its event.

Everything that changes a state goes through here, so nothing happens that the lifecycle does not
list, and no move goes unrecorded. Whoever moves trials has locked their experiment before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, func, null, select, update
from sqlalchemy.orm import Session

from models.errors import IllegalMove
from models.lifecycle import (
    EXPERIMENT_MOVES,
    HELD,
    TRIAL_MOVES,
    ExperimentMove,
    State,
    TrialMove,
)
from models.tables.experiments import ExperimentRow
from models.tables.trials import AttemptRow, TrialRow
from store import checkpoints, events
from store.clock import now


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
    reason: str | Callable[[Moved], str],
    outcome: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> tuple[Moved, ...]:
    """Move those of an experiment's trials that are chosen and still in the source state.

    `reason` is for a person, and may depend on the trial; `outcome` says how their attempts ended,
    for a move that ends them; `values` are more columns to set.

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
            reason=reason if isinstance(reason, str) else reason(trial),
            trial=trial.number,
            attempt=trial.attempt or None,
            worker=trial.worker,
        )
        for trial in moved
    ]
    events.append(tx, experiment_id, facts)
    return moved


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
    target = _target(EXPERIMENT_MOVES, source, move, "experiment")
    consequences: dict[str, Any] = {}
    if target is State.RUNNING:
        consequences["started_at"] = now()
    if target.is_terminal:
        consequences["finished_at"] = now()
    moved = tx.execute(
        update(ExperimentRow)
        .where(ExperimentRow.id == experiment_id, ExperimentRow.state == source)
        .values({"state": target, **consequences, **(values or {})})
        .returning(ExperimentRow.id)
    ).all()
    if not moved:
        raise IllegalMove(f"The experiment is no longer {source}.")
    events.append(tx, experiment_id, [events.Fact(kind=f"experiment.{target}", reason=reason)])


def _target(table: Mapping[tuple[State, Any], State], source: State, move: str, noun: str) -> State:
    target = table.get((source, move))
    if target is None:
        raise IllegalMove(f"The {noun} is {source}; {move.replace('_', ' ')} is not possible then.")
    return target


def _consequences(target: State) -> dict[str, Any]:
    """What else is true of a trial in this state."""
    if target is State.RUNNING:
        return {
            "attempt": TrialRow.attempt + 1,
            "started_at": func.coalesce(TrialRow.started_at, now()),
        }
    if target is State.CANCELLING:
        return {}
    free = {"worker": null(), "lease_until": null()}
    return {**free, "queued_at" if target is State.QUEUED else "finished_at": now()}


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
