"""What looks wrong about an experiment before it is queued, said once for all its trials.

What a search tries on purpose is not warned about: it is what the client wants to know.
"""

from collections.abc import Iterator, Sequence

from health.static.warn import warnings
from models import data_meaning
from models.findings import Finding, Patch
from models.network_meaning import Resolved
from models.planning import PlannedTrial, network_pointer
from models.pointers import pointer
from models.profile import DatasetProfile
from models.specs.experiment import ExperimentSpec
from models.specs.search import CapacitySearch, LearningRatesSearch, PathSearch
from models.trial import changed

# A client waits for a grid of 10,000 points. What is wrong with all of them is wrong with these,
# and who reads more than the first few of what is wrong with some?
MAX_SETTINGS = 20


def warned(
    spec: ExperimentSpec, profile: DatasetProfile, trials: Sequence[PlannedTrial]
) -> tuple[Finding, ...]:
    """The warnings of an experiment, from the first settings that can be trained.

    Args:
        spec: of the experiment.
        profile: of its dataset.
        trials: that it starts with.
    """
    settings = list(_first(trials))
    tried = _tried(spec)
    found: dict[tuple[str, str | None], list[tuple[int, Finding]]] = {}
    for number, trial in settings:
        for warning in _of(spec, profile, trial):
            if not any(_is_within(warning.pointer or "", path) for path in tried):
                found.setdefault((warning.code, warning.pointer), []).append((number, warning))
    return tuple(
        _told(having, len(settings)).model_copy(update={"patch": _applicable(having[0][1], tried)})
        for having in found.values()
    )


def _first(trials: Sequence[PlannedTrial]) -> Iterator[tuple[int, PlannedTrial]]:
    """One trial a setting, with its number."""
    seen: set[int] = set()
    for number, trial in enumerate(trials, start=1):
        candidate = trial.proposal.candidate
        if candidate not in seen and isinstance(trial.outcome, Resolved):
            seen.add(candidate)
            yield number, trial
        if len(seen) == MAX_SETTINGS:
            return


def _of(spec: ExperimentSpec, profile: DatasetProfile, trial: PlannedTrial) -> tuple[Finding, ...]:
    if not isinstance(trial.outcome, Resolved):
        return ()
    alone = changed(spec, trial.proposal.changes)
    made_up = isinstance(spec.search, CapacitySearch)
    return warnings(
        alone,
        trial.outcome,
        data_meaning.facts(profile, alone.data),
        profile,
        network=None if made_up else network_pointer(spec, trial.proposal.setting),
        compared=spec.search is not None,
    )


def _tried(spec: ExperimentSpec) -> tuple[str, ...]:
    """The places at which a search tries values."""
    if isinstance(spec.search, LearningRatesSearch):
        return ("/compile/optimizer/learning_rate",)
    paths = spec.search.over if isinstance(spec.search, PathSearch) else ()
    return tuple(pointer(*path.split(".")) for path in paths)


def _told(having: Sequence[tuple[int, Finding]], settings: int) -> Finding:
    """A warning, with which of the settings it is about unless it is about all."""
    number, warning = having[0]
    if len(having) == settings:
        return warning
    who = f"Trial {number}"
    if len(having) > 1:
        who = f"{len(having)} settings of the first {settings}, as trial {number}"
    return warning.model_copy(update={"evidence": f"{who}: {warning.evidence}"})


def _applicable(warning: Finding, tried: Sequence[str]) -> Patch:
    """Its patch, unless that would take away a place at which the search tries values."""
    changed_places = [str(change["path"]) for change in warning.patch]
    lost = any(_is_within(path, place) for place in changed_places for path in tried)
    return () if lost else warning.patch


def _is_within(place: str, other: str) -> bool:
    return f"{place}/".startswith(f"{other}/")
