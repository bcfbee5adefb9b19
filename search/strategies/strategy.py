"""What a search strategy is: from the spec and what is known of the trials, what to do next.

A strategy keeps no state of its own. It is asked again after every trial, with all results so far,
and must say the same about the same results: that is what lets a restarted service go on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import JsonValue

from models.specs.experiment import ExperimentSpec
from models.trial import Proposal, TrialResult

SearchT = TypeVar("SearchT")


@dataclass(frozen=True, slots=True)
class Setting:
    """One candidate: what people read, what changes in the spec, and why it is tried."""

    shown: Mapping[str, JsonValue]
    changes: Mapping[str, JsonValue]
    reason: str

    def proposal(self, spec: ExperimentSpec, candidate: int, repeat: int) -> Proposal:
        """One of its trials, with the seed that all settings share in this repeat."""
        return Proposal(
            candidate=candidate,
            repeat=repeat,
            seed=spec.seed + repeat,
            setting=self.shown,
            changes=self.changes,
            reason=self.reason,
        )


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


def search_of(spec: ExperimentSpec, kind: type[SearchT]) -> SearchT:
    """The search of a spec, which is of the kind that a strategy carries out.

    Raises:
        TypeError: it is of another: the registry is wrong.
    """
    if not isinstance(spec.search, kind):
        raise TypeError(f"{spec.search!r} is no {kind.__name__}")
    return spec.search


def all_tried(settings: int, repeats: int, which: str = "") -> str:
    """Why a search ended that has tried all settings there were to try."""
    what = "the one setting" if settings == 1 else f"all {settings} settings"
    often = "" if repeats == 1 else f", each {repeats} times"
    return f"{what}{which} tried{often}"
