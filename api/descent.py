"""Looks back from a repair over those before it: what they tried, and what they trained.

So that `next` does not suggest what has been seen not to help, or leads back to where it came from.
"""

from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy.orm import Session

from health.experiment.next_repair import Tried, paths
from health.patches import patch
from models.errors import NotFound
from models.specs.experiment import ExperimentSpec
from models.views.comparison import RepairOutcome
from models.views.experiment import ExperimentView
from store import experiments, origins

# Experiments; a longer line of repairs is one of which many have helped.
MOST = 32


@dataclass(frozen=True, slots=True)
class Descent:
    """What came before an experiment.

    Attributes:
        tried: repairs that did not help, since the last one that did.
        trained: the specs that it is derived from, as single trials.
    """

    tried: tuple[Tried, ...] = ()
    trained: tuple[ExperimentSpec, ...] = ()

    def has_trained(self, spec: ExperimentSpec) -> bool:
        """Whether one of them was the same training, whatever its seed."""
        return any(_training(spec) == _training(each) for each in self.trained)


def harmful_repair(view: ExperimentView) -> RepairOutcome | None:
    """What the repair that an experiment was derived by came to, where it made it worse."""
    outcome = view.conclusion.repair if view.conclusion else None
    if outcome is None or outcome.helped is not False:
        return None
    if outcome.difference is not None:
        is_worse = outcome.difference.mean > outcome.difference.standard_error
    else:  # the repaired one diverged; the other may have, too
        is_worse = outcome.before is not None
    return outcome if is_worse else None


def of(tx: Session, *, owner: str, view: ExperimentView) -> Descent:
    """Follow `derived_from` as far as there is something to read."""
    tried: list[Tried] = []
    trained: list[ExperimentSpec] = []
    has_helped = False
    at: ExperimentView | None = view
    while at is not None and len(trained) < MOST and isinstance(at.spec, ExperimentSpec):
        origin = at.spec.derived_from
        if origin is None:
            break
        try:
            before = origins.read(tx, owner=owner, origin=origin)
        except (AttributeError, LookupError, TypeError, ValidationError):  # of another version
            break
        if before is None:
            break
        outcome = at.conclusion.repair if at.conclusion else None
        helped = None if outcome is None else outcome.helped
        has_helped = has_helped or helped is True
        if helped is False and not has_helped:
            tried.append(Tried(origin.finding, paths(patch(before.spec, at.spec))))
        trained.append(before.spec)
        at = still_there(tx, owner=owner, experiment_id=origin.experiment)
    return Descent(tuple(tried), tuple(trained))


def still_there(tx: Session, *, owner: str, experiment_id: str) -> ExperimentView | None:
    """An experiment; None where it was deleted."""
    try:
        return experiments.get(tx, owner=owner, experiment_id=experiment_id)
    except NotFound:
        return None


def _training(spec: ExperimentSpec) -> ExperimentSpec:
    """What is trained, and not how it is called or how often it is done."""
    same: dict[str, object] = {
        "name": "",
        "labels": {},
        "derived_from": None,
        "repeats": 1,
        "seed": 0,
    }
    return spec.model_copy(update=same)
