"""From an experiment's spec and its data's profile to single trainings, completed and checked.

The API does this at POST, so that nothing is queued that cannot be trained; a supervisor does it
again at claim time from the same rows, with the same result.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from models import data_meaning, meaning
from models.facts import DataFacts
from models.network_meaning import Resolved
from models.profile import DatasetProfile
from models.specs.experiment import ExperimentSpec
from models.trial import TrialSpec, changed


def resolve(
    spec: ExperimentSpec,
    changes: Mapping[str, JsonValue],
    profile: DatasetProfile,
    *,
    seed: int,
) -> TrialSpec:
    """What a trainer is given for one trial.

    Raises:
        Invalid: the spec does not fit the data.
    """
    trial = changed(spec, changes)
    resolved = complete(trial, data_meaning.facts(profile, trial.data))
    return TrialSpec(
        data=trial.data,
        network=resolved.network,
        compile=resolved.compile,
        fit=trial.fit,
        seed=seed,
        health=trial.health,
    )


def complete(
    trial: ExperimentSpec, facts: DataFacts, *, network_pointer: str = "/network"
) -> Resolved:
    """One trial's network and loss with nothing left open, checked against the data.

    Args:
        trial: the spec of a single trial, as `changed` makes it.
        facts: of its data.
        network_pointer: where in the request body its network is.

    Raises:
        Invalid: with everything that is wrong.
    """
    if trial.network is None:
        raise ValueError("a single trial has a network")
    return meaning.resolve(
        trial.network, trial.compile, trial.fit, facts, network_pointer=network_pointer
    )
