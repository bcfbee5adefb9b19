"""What a search strategy is: from the spec and what is known of the trials, what to do next.

A strategy keeps no state of its own. It is asked again after every trial, with all results so far,
and must say the same about the same results: that is what lets a restarted service go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.specs.experiment import ExperimentSpec
from models.trial import Proposal, TrialResult


@dataclass(frozen=True, slots=True)
class Conclude:
    """The search is over.

    Attributes:
        reason: why, in words.
    """

    reason: str


class Strategy(Protocol):
    """One way to search.

    Attributes:
        waits_for_all: it has nothing to say while a trial is not over, so it need not be asked.
    """

    @property
    def waits_for_all(self) -> bool: ...  # noqa: D102 - see above

    def propose(
        self, spec: ExperimentSpec, results: Sequence[TrialResult]
    ) -> tuple[Proposal, ...] | Conclude:
        """Trials to add now (none while it has to wait for running ones), or the end.

        Args:
            spec: the experiment's spec.
            results: of every trial proposed so far, in order of their numbers.
        """
        ...

    def outlook(self, spec: ExperimentSpec) -> str | None:
        """What may follow the first proposals, for people; None where they are all."""
        ...
