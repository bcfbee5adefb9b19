"""From a spec and what is known of its rows to the trials it starts, each one resolved and checked.

A POST and a dry run ask the same questions here, so a dry run never promises what a POST refuses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models import data_meaning
from models.errors import Invalid, Issue
from models.facts import DataFacts
from models.network_meaning import Resolved
from models.pointers import pointer
from models.profile import DatasetProfile
from models.resolve import complete
from models.search_meaning import search_issues
from models.specs.experiment import MAX_TRIALS, ExperimentSpec
from models.specs.search import CapacitySearch, NetworksSearch
from models.trial import Proposal, changed
from models.views.experiment import Plan, PlannedLayer, PlannedTrial
from search.registry import strategy_for
from search.strategy import Conclude
from store.trials import PlannedTrialRow


@dataclass(frozen=True, slots=True)
class Planned:
    """An experiment that can be carried out.

    Attributes:
        spec: as sent, with what follows from the rows filled in.
        facts: of its data.
        trials: that it starts with, each with its network.
    """

    spec: ExperimentSpec
    facts: DataFacts
    trials: tuple[tuple[Proposal, Resolved], ...]


def plan(spec: ExperimentSpec, profile: DatasetProfile) -> Planned:
    """Check everything that can be known before training.

    Raises:
        Invalid: with a pointer for everything that is wrong with the data, or else with the
            networks, compile and fit.
    """
    facts = data_meaning.facts(profile, spec.data)
    unsearchable = search_issues(spec)
    if unsearchable:
        raise Invalid(unsearchable)
    spec = _settled(spec, facts)
    proposals = _proposals(spec)
    resolved: dict[int, Resolved] = {}
    wrong: list[Issue] = []
    for proposal in proposals:
        if proposal.repeat > 0:
            continue  # repeats differ by their seeds alone
        try:
            resolved[proposal.candidate] = _resolve(spec, proposal, facts)
        except Invalid as refused:
            wrong += refused.issues
    if wrong:
        raise Invalid(dict.fromkeys(wrong))  # what is wrong for all candidates is said once
    return Planned(
        spec, facts, tuple((proposal, resolved[proposal.candidate]) for proposal in proposals)
    )


def rows(planned: Planned) -> tuple[PlannedTrialRow, ...]:
    """The trials as they are stored."""
    return tuple(
        PlannedTrialRow(
            proposal=proposal,
            parameters=resolved.summary.parameters,
            epochs_planned=planned.spec.fit.epochs,
        )
        for proposal, resolved in planned.trials
    )


def view(planned: Planned) -> Plan:
    """The plan as a client sees it."""
    split = planned.spec.fit.split_rows(planned.facts.rows)
    return Plan(
        spec=planned.spec,
        task=planned.facts.task,
        rows=planned.facts.rows,
        training_rows=split.training,
        validation_rows=split.validation,
        trials=tuple(
            _trial(number, proposal, resolved)
            for number, (proposal, resolved) in enumerate(planned.trials, start=1)
        ),
    )


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


def _resolve(spec: ExperimentSpec, proposal: Proposal, facts: DataFacts) -> Resolved:
    trial = changed(spec, proposal.changes)
    return complete(trial, facts, network_pointer=_network_pointer(spec, proposal))


def _network_pointer(spec: ExperimentSpec, proposal: Proposal) -> str:
    if not isinstance(spec.search, NetworksSearch):
        return "/network"
    return "/search/networks" + pointer(str(proposal.setting["network"]))


def _trial(number: int, proposal: Proposal, resolved: Resolved) -> PlannedTrial:
    return PlannedTrial(
        number=number,
        setting=dict(proposal.setting),
        repeat=proposal.repeat,
        seed=proposal.seed,
        reason=proposal.reason,
        parameters=resolved.summary.parameters,
        # Said once a setting: a thousand layers times a hundred repeats would be a flood.
        layers=_layers(resolved) if proposal.repeat == 0 else (),
        loss=resolved.compile.loss.keras_name,
    )


def _layers(resolved: Resolved) -> tuple[PlannedLayer, ...]:
    return tuple(
        PlannedLayer(
            layer=layer.layer, output_shape=layer.output_shape, parameters=layer.parameters
        )
        for layer in resolved.summary.layers
    )
