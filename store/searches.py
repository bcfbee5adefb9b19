"""Experiments as whoever advances them sees them: read, given up, concluded. No owner is asked."""

from collections.abc import Sequence

from sqlalchemy import null, select, update
from sqlalchemy.orm import Session

from models.errors import NotFound
from models.findings import Finding
from models.lifecycle import ACTIVE, ExperimentMove, State
from models.specs.experiment import ExperimentSpec
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from models.views.base import Problem
from models.views.comparison import Conclusion
from store import events, moves
from store.moves import Locked

_CONCLUSIONS = {
    State.SUCCEEDED: ExperimentMove.SUCCEED,
    State.FAILED: ExperimentMove.FAIL,
    State.CANCELLED: ExperimentMove.CANCEL,
}


def lock(tx: Session, experiment_id: str) -> Locked | None:
    """Lock an experiment to advance it; None when it was deleted."""
    return moves.lock(tx, experiment_id)


def spec_of(tx: Session, experiment_id: str) -> ExperimentSpec:
    """The spec, as it was submitted.

    Raises:
        NotFound: there is no such experiment.
    """
    spec = tx.scalar(select(ExperimentRow.spec).where(ExperimentRow.id == experiment_id))
    if spec is None:
        raise NotFound(f"There is no experiment {experiment_id}.")
    return ExperimentSpec.model_validate(spec)


def dataset_of(tx: Session, experiment_id: str) -> str:
    """The id of the dataset that it trains on.

    Raises:
        NotFound: there is no such experiment.
    """
    found = tx.scalar(select(ExperimentRow.dataset_id).where(ExperimentRow.id == experiment_id))
    if found is None:
        raise NotFound(f"There is no experiment {experiment_id}.")
    return found


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
    moves.cancel_queued(tx, experiment_id, reason)


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
        raise NotFound(f"There is no experiment {experiment_id}.")
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
