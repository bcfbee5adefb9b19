"""From what a search proposes to rows of the queue."""

from collections.abc import Sequence

from models import data_meaning
from models.profile import DatasetProfile
from models.resolve import complete
from models.specs.experiment import ExperimentSpec
from models.trial import Proposal, changed
from store.trials import PlannedTrialRow


def rows(
    spec: ExperimentSpec, profile: DatasetProfile, proposals: Sequence[Proposal]
) -> tuple[PlannedTrialRow, ...]:
    """Proposals with what the queue has to know of them.

    Raises:
        Invalid: a proposed network does not fit the data.
    """
    return tuple(_row(changed(spec, proposal.changes), profile, proposal) for proposal in proposals)


def _row(trial: ExperimentSpec, profile: DatasetProfile, proposal: Proposal) -> PlannedTrialRow:
    facts = data_meaning.facts(profile, trial.data)
    return PlannedTrialRow(
        proposal=proposal,
        parameters=complete(trial, facts).summary.parameters,
        epochs_planned=trial.fit.epochs,
    )
