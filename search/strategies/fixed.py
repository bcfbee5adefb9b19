"""Searches whose settings are all known beforehand: propose them at once, end when all are over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.specs.experiment import ExperimentSpec
from models.trial import Proposal, TrialResult
from search.strategies.strategy import Conclude, Setting, all_tried


@dataclass(frozen=True, slots=True)
class FixedList:
    """Every setting, `repeats` times.

    Attributes:
        settings: from a spec to its candidates, in order.
        waits_for_all: all of them are queued from the start.
    """

    settings: Callable[[ExperimentSpec], tuple[Setting, ...]]
    waits_for_all: bool = True

    def propose(
        self, spec: ExperimentSpec, results: Sequence[TrialResult]
    ) -> tuple[Proposal, ...] | Conclude:
        """Whatever is not there yet; the end once everything is over.

        The first repeat of every setting comes before any second one, so a first answer is there
        early.
        """
        there = {(result.candidate, result.repeat) for result in results}
        settings = self.settings(spec)
        missing = tuple(
            setting.proposal(spec, candidate, repeat)
            for repeat in range(spec.repeats)
            for candidate, setting in enumerate(settings)
            if (candidate, repeat) not in there
        )
        if missing:
            return missing
        if any(not result.state.is_terminal for result in results):
            return ()
        return Conclude(all_tried(len(settings), spec.repeats))

    def outlook(self, spec: ExperimentSpec) -> str | None:
        """Nothing follows."""
        del spec
        return None
