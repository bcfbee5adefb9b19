"""From what a search proposes to what is queued: each proposal resolved, or refused and why.

The API asks at POST for the first trials, a worker for all that come later, and both get the same
answer to the same proposal. Whether a refusal is the client's mistake or a corner of the space that
is skipped is not decided here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue, ValidationError

from models import data_meaning, failures
from models.errors import Invalid, Issue
from models.facts import DataFacts
from models.fit_meaning import fit_issues
from models.network_meaning import Resolved
from models.pointers import pointer
from models.profile import DatasetProfile
from models.resolve import complete
from models.specs.data import DataSpec
from models.specs.experiment import ExperimentSpec
from models.specs.search import NetworksSearch
from models.trial import Proposal, changed
from models.views.base import Problem, ProblemIssue

# A person mends the first few; a network of a thousand wrong layers is one mistake.
MAX_ISSUES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrial:
    """A proposal with what follows from it.

    Attributes:
        epochs: at most; 0 for one that cannot be trained.
        outcome: its network and loss with nothing left open, or why there can be none.
    """

    proposal: Proposal
    epochs: int
    outcome: Resolved | Invalid

    @property
    def parameters(self) -> int:
        """Of its network; 0 for one that cannot be trained."""
        return 0 if isinstance(self.outcome, Invalid) else self.outcome.summary.parameters

    @property
    def problem(self) -> Problem | None:
        """Why it cannot be trained, as it is stored; None when it can."""
        if not isinstance(self.outcome, Invalid):
            return None
        told = failures.problem(Invalid.code, f"It cannot be trained: {self.outcome.detail}")
        issues = tuple(
            ProblemIssue(
                pointer=issue.pointer,
                code=issue.code,
                message=issue.message,
                allowed=issue.allowed,
            )
            for issue in self.outcome.issues[:MAX_ISSUES]
        )
        return told.model_copy(update={"errors": issues})


def planned(
    spec: ExperimentSpec, profile: DatasetProfile, proposals: Sequence[Proposal]
) -> tuple[PlannedTrial, ...]:
    """Each proposal with what follows from it, in the same order.

    Repeats differ by their seeds alone, so each candidate is resolved once. What is refused is
    pointed at in the spec of that trial; a named network where the client wrote it.

    Raises:
        Invalid: the data themselves cannot be trained on as the spec says.
    """
    known = _Known(profile, spec)
    found: dict[int, tuple[int, Resolved | Invalid]] = {}
    for proposal in proposals:
        if proposal.candidate not in found:
            found[proposal.candidate] = _resolved(proposal, known)
    return tuple(
        PlannedTrial(
            proposal=proposal,
            epochs=found[proposal.candidate][0],
            outcome=found[proposal.candidate][1],
        )
        for proposal in proposals
    )


class _Known:
    """What trials have in common, worked out once: a client waits for a grid of 10,000 points."""

    def __init__(self, profile: DatasetProfile, spec: ExperimentSpec) -> None:
        self._profile = profile
        self._spec = spec
        self._facts = data_meaning.facts(profile, spec.data)
        self._networks: dict[str, Resolved] = {}

    def complete(self, proposal: Proposal) -> tuple[int, Resolved]:
        """The epochs of a trial and its network.

        Raises:
            Invalid, pydantic.ValidationError: it cannot be trained.
        """
        trial = changed(self._spec, proposal.changes)
        facts = self._facts_of(trial.data)
        alike = _network_key(proposal.changes)
        known = self._networks.get(alike)
        if known is None:
            at = network_pointer(self._spec, proposal.setting)
            known = self._networks[alike] = complete(trial, facts, network_pointer=at)
        elif wrong := fit_issues(trial.fit, trial.compile, facts):
            raise Invalid(wrong)
        else:
            compiled = trial.compile.model_copy(update={"loss": known.compile.loss})
            known = replace(known, compile=compiled)
        return trial.fit.epochs, known

    def _facts_of(self, data: DataSpec) -> DataFacts:
        return self._facts if data == self._spec.data else data_meaning.facts(self._profile, data)


def _network_key(changes: Mapping[str, JsonValue]) -> str:
    """The same for trials whose network, loss and metrics are the same, so that they fit alike."""
    beside = ("compile.optimizer", "fit")
    return json.dumps(
        {
            path: value
            for path, value in changes.items()
            if not any(f"{path}.".startswith(f"{part}.") for part in beside)
        },
        sort_keys=True,
    )


def _resolved(proposal: Proposal, known: _Known) -> tuple[int, Resolved | Invalid]:
    try:
        return known.complete(proposal)
    except Invalid as refused:
        return 0, refused
    except ValidationError as error:  # each value may be sound, and both together not
        return 0, _refusal(error)


def _refusal(error: ValidationError) -> Invalid:
    # Pydantic was given a part of the spec, and does not know where that stands.
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return Invalid(Issue("", one["type"], one["msg"]) for one in found)


def network_pointer(spec: ExperimentSpec, setting: Mapping[str, object]) -> str:
    """Where in a spec the network of a trial with this setting is."""
    if not isinstance(spec.search, NetworksSearch):
        return "/network"
    return "/search/networks" + pointer(str(setting["network"]))
