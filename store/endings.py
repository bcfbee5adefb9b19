"""Writes how an attempt ended: the trial's last state, what it left behind, the event."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import insert, null, update
from sqlalchemy.orm import Session

from models import failures
from models.findings import Check, Finding
from models.lifecycle import State, StopReason, TrialMove
from models.tables.datasets import ArtifactKind, ArtifactRow
from models.tables.trials import TrialRow
from store import moves, row_losses
from store.artifacts import Stored
from store.clock import now
from store.fence import Lease, held
from store.outcomes import Cancelled, Expired, Failed, Outcome, Succeeded

_SUCCESSES = {
    StopReason.COMPLETED: "All epochs were trained.",
    StopReason.EARLY_STOPPED: "Stopped early: the monitored metric no longer improved.",
    StopReason.DIVERGED: "Diverged: the loss left the finite numbers.",
    StopReason.PRUNED: "It fell behind its siblings.",
}
_CANCELLED = {"stop_reason": StopReason.CANCELLED}


def end(tx: Session, lease: Lease, state: State, outcome: Outcome) -> State:
    """Write an outcome for a fenced trial in this state; gives the state that it reaches.

    Raises:
        IllegalMove: the state does not allow this outcome.
    """
    match outcome:
        case Succeeded():
            usual = _SUCCESSES.get(outcome.stop_reason, "The training came to its end.")
            reason = outcome.reason or usual
            values = _results(outcome)
            if outcome.stop_reason is StopReason.DIVERGED:
                values |= {"best_value": null(), "best_epoch": null()}  # it never wins
            if outcome.network is not None:
                _keep(tx, lease, outcome.network)
            if outcome.row_losses is not None:
                row_losses.keep(tx, lease, outcome.row_losses)
            _move(tx, lease, state, TrialMove.SUCCEED, reason, values)
            return State.SUCCEEDED
        case Failed():
            reason, values = outcome.problem.detail, _results(outcome)
            values["error"] = outcome.problem.model_dump(mode="json")
            _move(tx, lease, state, TrialMove.FAIL, reason, values)
            return State.FAILED
        case Cancelled():
            reason = "Its trainer has ended after the cancel."
            _move(tx, lease, state, TrialMove.CANCEL, reason, _CANCELLED)
            return State.CANCELLED


def give_up(
    tx: Session,
    lease: Lease,
    state: State,
    move: TrialMove,
    *,
    reason: str,
    outcome: str,
) -> State:
    """Release or expire a fenced trial: back to the queue, or over when a cancel was asked for."""
    over = state is State.CANCELLING
    moves.trials(
        tx,
        lease.experiment_id,
        held(lease),
        state,
        move,
        reason=reason,
        outcome=outcome,
        values=_CANCELLED if over else None,
    )
    return State.CANCELLED if over else State.QUEUED


def expire(tx: Session, trial: TrialRow, max_crashes: int, lease_seconds: float) -> Expired:
    """Take a locked trial away from a worker that went silent, and count the crash."""
    lease = Lease(
        trial_id=trial.id,
        experiment_id=trial.experiment_id,
        number=trial.number,
        attempt=trial.attempt,
    )
    worker, source, crashes = trial.worker, trial.state, trial.crashes + 1
    tx.execute(update(TrialRow).where(held(lease)).values(crashes=crashes))
    if source is State.RUNNING and crashes >= max_crashes:
        state = end(tx, lease, source, given_up(_silent(lease_seconds), crashes, max_crashes))
    else:
        state = give_up(
            tx,
            lease,
            source,
            TrialMove.EXPIRE,
            reason=f"Its worker was silent for more than {lease_seconds:g} s. "
            f"That was crash {crashes} of {max_crashes}.",
            outcome="expired",
        )
    return Expired(
        experiment_id=lease.experiment_id,
        number=lease.number,
        attempt=lease.attempt,
        worker=worker,
        crashes=crashes,
        state=state,
    )


def given_up(failure: Failed, crashes: int, max_crashes: int) -> Failed:
    """The last failure of a trial that is not granted another attempt."""
    detail = (
        f"{failure.problem.detail} That was crash {crashes} of {max_crashes}, so it is given up: "
        "look into the logs of its workers, and submit it again when the cause is mended."
    )
    problem = failure.problem.model_copy(update={"detail": detail})
    return replace(failure, problem=problem)


def _silent(lease_seconds: float) -> Failed:
    detail = f"Its worker was silent for more than {lease_seconds:g} s."
    problem = failures.problem(StopReason.WORKER_LOST, detail)
    return Failed(stop_reason=StopReason.WORKER_LOST, problem=problem)


def _results(outcome: Succeeded | Failed) -> dict[str, Any]:
    found: dict[str, Any] = {
        "stop_reason": outcome.stop_reason,
        "findings": _stored(outcome.judgement.findings),
        "checks": _stored(outcome.judgement.checks),
    }
    if outcome.engine is not None:
        found["engine"] = dict(outcome.engine)
    return found


def _stored(judged: Sequence[Finding | Check]) -> Any:
    return [each.model_dump(mode="json") for each in judged] or null()


def _keep(tx: Session, lease: Lease, network: Stored) -> None:
    tx.execute(
        insert(ArtifactRow).values(
            kind=ArtifactKind.NETWORK,
            experiment_id=lease.experiment_id,
            trial=lease.number,
            attempt=lease.attempt,
            key=network.key,
            sha256=network.sha256,
            bytes=network.bytes,
            created_at=now(),
        )
    )


def _move(  # noqa: PLR0917 - private, and called three times in a row
    tx: Session,
    lease: Lease,
    state: State,
    move: TrialMove,
    reason: str,
    values: Mapping[str, Any],
) -> None:
    moves.trials(
        tx,
        lease.experiment_id,
        held(lease),
        state,
        move,
        reason=reason,
        outcome=values["stop_reason"],
        values=values,
    )
