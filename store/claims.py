"""The steps of a claim: lock an experiment, find its oldest queued trial, give it to a worker."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import JsonValue, TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from models import failures
from models.lifecycle import State
from models.profile import DatasetProfile
from models.specs.experiment import Device, ExperimentSpec
from store import checkpoints, claimable, moves
from store.checkpoints import Checkpoint
from store.fence import Lease

_PROFILE: TypeAdapter[DatasetProfile] = TypeAdapter(DatasetProfile)


class Oldest(NamedTuple):
    """A row of `claimable.OLDEST`: a queued trial, with what is stored of all that it needs."""

    trial_id: int
    number: int
    changes: dict[str, Any]
    seed: int
    experiment_state: State
    spec: dict[str, Any]
    folder: str | None
    profile: dict[str, Any] | None


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


def oldest_of(tx: Session, experiment_id: str) -> Oldest | None:
    """Its oldest queued trial, if one may start: asked anew now that the experiment is locked."""
    row = tx.execute(claimable.OLDEST, {"experiment": experiment_id}).one_or_none()
    return None if row is None else Oldest(*row)


def start(
    tx: Session, experiment_id: str, oldest: Oldest, worker: str, lease_seconds: float
) -> Claim:
    """Give the trial to the worker, with what it needs.

    Raises:
        ValidationError: what was stored is not what this version would have stored; nothing has
            been moved then.
    """
    spec = ExperimentSpec.model_validate(oldest.spec)
    profile = _PROFILE.validate_python(oldest.profile)
    waiting = moves.Waiting(
        trial_id=oldest.trial_id,
        number=oldest.number,
        experiment_id=experiment_id,
        experiment_state=oldest.experiment_state,
    )
    attempt = moves.claim(tx, waiting, worker, lease_seconds)
    lease = Lease(
        trial_id=oldest.trial_id,
        experiment_id=experiment_id,
        number=oldest.number,
        attempt=attempt,
    )
    return Claim(
        lease=lease,
        spec=spec,
        changes=oldest.changes,
        seed=oldest.seed,
        folder=oldest.folder or "",
        profile=profile,
        checkpoints=checkpoints.of(tx, lease) if attempt > 1 else (),
    )


def end_unreadable(tx: Session, experiment_id: str, error: ValidationError) -> None:
    """Fail the queued trials of an unreadable spec."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or "the whole"
    detail = (
        "What was stored of this experiment and its dataset cannot be read by this version of the "
        f"service ({error.title}, {place}: {first['msg']}). Submit the experiment again."
    )
    moves.fail_queued(tx, experiment_id, failures.problem(failures.UNREADABLE_SPEC, detail))
