"""The steps of a claim: lock an experiment, start its oldest queued trial, gather what it needs."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue, TypeAdapter, ValidationError
from sqlalchemy import and_, insert, null, select, true
from sqlalchemy.orm import Session

from models import failures
from models.lifecycle import ExperimentMove, State, StopReason, TrialMove
from models.profile import DatasetProfile
from models.specs.experiment import Device, ExperimentSpec
from models.tables.datasets import DatasetRow
from models.tables.experiments import ExperimentRow
from models.tables.trials import AttemptRow, TrialRow
from models.views.base import Problem
from store import checkpoints, claimable, moves
from store.checkpoints import Checkpoint
from store.clock import now
from store.fence import Lease
from store.moves import Moved

_PROFILE: TypeAdapter[DatasetProfile] = TypeAdapter(DatasetProfile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A trial to train, with all that is needed to start.

    Attributes:
        spec: of the whole experiment; `changes` applied to it give the trial's.
        folder: key of the dataset's folder in the artifact store.
        checkpoints: of earlier attempts, the newest first.
    """

    lease: Lease
    spec: ExperimentSpec
    changes: Mapping[str, JsonValue]
    seed: int
    folder: str
    profile: DatasetProfile
    checkpoints: tuple[Checkpoint, ...] = ()


def lock_next(tx: Session, device: Device, *, wait: bool) -> str | None:
    """Lock the experiment to be served; if allowed, wait for a locked one if there is no other."""
    free = tx.scalar(claimable.next_for(device, wait=False))
    if free is not None or not wait:
        return free
    return tx.scalar(claimable.next_for(device, wait=True))


def take_oldest(tx: Session, experiment_id: str, worker: str, lease_seconds: float) -> Moved | None:
    """Start its oldest queued trial, counting places anew now that its row is locked."""
    oldest = (
        select(TrialRow.id)
        .where(TrialRow.experiment_id == experiment_id, TrialRow.state == State.QUEUED)
        .order_by(TrialRow.number)
        .limit(1)
        .scalar_subquery()
    )
    place_left = (
        select(ExperimentRow.id)
        .where(ExperimentRow.id == experiment_id, claimable.OPEN, claimable.HAS_FREE_PLACE)
        .exists()
    )
    taken = moves.trials(
        tx,
        experiment_id,
        and_(TrialRow.id == oldest, place_left),
        State.QUEUED,
        TrialMove.CLAIM,
        reason=_claimed,
        values={"worker": worker, "lease_until": now(lease_seconds), "error": null()},
    )
    for trial in taken:
        tx.execute(
            insert(AttemptRow).values(
                trial_id=trial.trial_id, number=trial.attempt, worker=worker, started_at=now()
            )
        )
    return taken[0] if taken else None


def _claimed(trial: Moved) -> str:
    again = f" again, as attempt {trial.attempt}," if trial.attempt > 1 else ""
    return f"Claimed{again} by {trial.worker}."


def start(tx: Session, taken: Moved) -> Claim:
    """Start the experiment with its first trial, and gather what the trial needs.

    Raises:
        ValidationError: what was stored is not what this version would have stored.
    """
    trial, experiment, dataset = tx.execute(
        select(TrialRow, ExperimentRow, DatasetRow)
        .join(ExperimentRow, ExperimentRow.id == TrialRow.experiment_id)
        .join(DatasetRow, DatasetRow.id == ExperimentRow.dataset_id)
        .where(TrialRow.id == taken.trial_id)
    ).one()
    if experiment.state is State.QUEUED:
        reason = f"Trial {taken.number} started."
        moves.experiment(tx, experiment.id, State.QUEUED, ExperimentMove.START, reason=reason)
    lease = Lease(
        trial_id=taken.trial_id,
        experiment_id=experiment.id,
        number=taken.number,
        attempt=taken.attempt,
    )
    return Claim(
        lease=lease,
        spec=ExperimentSpec.model_validate(experiment.spec),
        changes=trial.changes,
        seed=trial.seed,
        folder=dataset.folder or "",
        profile=_PROFILE.validate_python(dataset.profile),
        checkpoints=checkpoints.of(tx, lease) if lease.attempt > 1 else (),
    )


def end_unreadable(tx: Session, experiment_id: str, taken: Moved, error: ValidationError) -> None:
    """Fail a trial that could not be started, and the queued ones of the same, unreadable spec.

    Left in the queue they would be claimed again and again, before everybody else's.
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or "the whole"
    problem = Problem(
        title=failures.TITLES[failures.UNREADABLE_SPEC],
        code=failures.UNREADABLE_SPEC,
        detail="What was stored of this experiment and its dataset cannot be read by this version "
        f"of the service ({error.title}, {place}: {first['msg']}). Submit the experiment again.",
    )
    values = {"stop_reason": StopReason.ERROR, "error": problem.model_dump(mode="json")}
    for state, chosen in (
        (State.RUNNING, TrialRow.id == taken.trial_id),
        (State.QUEUED, true()),
    ):
        moves.trials(
            tx,
            experiment_id,
            chosen,
            state,
            TrialMove.FAIL,
            reason=problem.detail,
            outcome=StopReason.ERROR,
            values=values,
        )
