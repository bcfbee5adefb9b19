"""From a spec and what is known of its rows to the trials it starts, each one resolved and checked.

A POST and a dry run ask the same questions here, so a dry run never promises what a POST refuses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from api.warned import warned
from models import data_meaning
from models.errors import Invalid, Issue
from models.facts import DataFacts
from models.findings import Finding
from models.network_meaning import Resolved
from models.planning import PlannedTrial, planned
from models.pointers import pointer
from models.profile import DatasetProfile
from models.search_meaning import search_issues
from models.specs.experiment import ExperimentSpec
from models.specs.search import (
    MAX_TRIALS,
    CapacitySearch,
    LearningRatesSearch,
    NetworksSearch,
    PathSearch,
)
from models.trial import Proposal
from models.views.experiment import Plan, PlannedLayer
from models.views.experiment import PlannedTrial as PlannedTrialView
from search.strategies.registry import strategy_for
from search.strategies.strategy import Conclude

# More things wrong than this are one mistake.
MAX_ISSUES = 100


@dataclass(frozen=True, slots=True)
class Planned:
    """An experiment that can be carried out.

    Attributes:
        spec: as sent, with what follows from the rows filled in.
        facts: of its data.
        trials: that it starts with; a search through a space may have some that are skipped.
        warnings: what looks wrong, though it can be trained.
    """

    spec: ExperimentSpec
    facts: DataFacts
    trials: tuple[PlannedTrial, ...]
    warnings: tuple[Finding, ...] = ()

    @property
    def to_train(self) -> int:
        """How many of the trials can be trained."""
        return sum(isinstance(trial.outcome, Resolved) for trial in self.trials)


def plan(spec: ExperimentSpec, profile: DatasetProfile) -> Planned:
    """Check everything that can be known before training.

    A setting that a client wrote down has to be trainable. One that comes of combining or drawing
    values need not be, as long as another is: it is skipped.

    Raises:
        Invalid: with a pointer for everything that is wrong with the data, or else with the
            networks, compile and fit.
    """
    facts = data_meaning.facts(profile, spec.data)
    unsearchable = search_issues(spec)
    if unsearchable:
        raise Invalid(unsearchable)
    spec = _settled(spec, facts)
    plan = Planned(spec, facts, planned(spec, profile, _proposals(spec)))
    by_hand = spec.search is None or isinstance(spec.search, LearningRatesSearch | NetworksSearch)
    wrong = {
        _in_body(spec, issue): None  # what is wrong for all candidates is said once
        for trial in plan.trials
        if isinstance(trial.outcome, Invalid)
        for issue in trial.outcome.issues
    }
    if wrong and (by_hand or not plan.to_train):
        raise Invalid(islice(wrong, MAX_ISSUES))
    return replace(plan, warnings=warned(spec, profile, plan.trials))


def view(plan: Planned) -> Plan:
    """The plan as a client sees it."""
    split = plan.spec.fit.split_rows(plan.facts.rows)
    return Plan(
        spec=plan.spec,
        task=plan.facts.task,
        rows=plan.facts.rows,
        training_rows=split.training,
        validation_rows=split.validation,
        trials=tuple(_trial(number, trial) for number, trial in enumerate(plan.trials, start=1)),
        outlook=strategy_for(plan.spec).outlook(plan.spec),
        warnings=plan.warnings,
    )


def _in_body(spec: ExperimentSpec, issue: Issue) -> Issue:
    """The same of what the client wrote, where it points at what the search put there."""
    paths = spec.search.over if isinstance(spec.search, PathSearch) else ()
    for path in paths:
        if f"{issue.pointer}/".startswith(f"{pointer(*path.split('.'))}/"):
            return replace(issue, pointer=pointer("search", "over", path))
    return issue


def _settled(spec: ExperimentSpec, facts: DataFacts) -> ExperimentSpec:
    """The spec with what its search leaves to the rows, so that it is stored once and seen."""
    if not isinstance(spec.search, CapacitySearch):
        return spec
    return spec.model_copy(update={"search": spec.search.settled(facts.rows)})


def _proposals(spec: ExperimentSpec) -> Sequence[Proposal]:
    proposed = strategy_for(spec).propose(spec, ())
    if isinstance(proposed, Conclude) or not proposed:
        raise Invalid([Issue("/search", "no_trials", "This search has nothing to try.")])
    if len(proposed) > MAX_TRIALS:
        message = f"These are {len(proposed):,} trials; one experiment has at most {MAX_TRIALS:,}."
        raise Invalid([Issue("/repeats", "too_many_trials", message)])
    return proposed


def _trial(number: int, trial: PlannedTrial) -> PlannedTrialView:
    proposal = trial.proposal
    resolved = trial.outcome if isinstance(trial.outcome, Resolved) else None
    return PlannedTrialView(
        number=number,
        setting=dict(proposal.setting),
        repeat=proposal.repeat,
        seed=proposal.seed,
        reason=proposal.reason,
        parameters=trial.parameters,
        # Said once a setting: a thousand layers times a hundred repeats would be a flood.
        layers=_layers(resolved) if resolved and proposal.repeat == 0 else (),
        loss=resolved.compile.loss.keras_name if resolved else None,
        error=trial.problem,
    )


def _layers(resolved: Resolved) -> tuple[PlannedLayer, ...]:
    return tuple(
        PlannedLayer(
            layer=layer.layer, output_shape=layer.output_shape, parameters=layer.parameters
        )
        for layer in resolved.summary.layers
    )
