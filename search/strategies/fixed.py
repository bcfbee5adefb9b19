"""Searches whose settings are all known beforehand: propose them at once, end when all are over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from models.specs.experiment import ExperimentSpec
from models.trial import Proposal, TrialResult
from search.strategies.strategy import Conclude


@dataclass(frozen=True, slots=True)
class Setting:
    """One candidate: what people read, what changes in the spec, and why it is tried."""

    shown: Mapping[str, JsonValue]
    changes: Mapping[str, JsonValue]
    reason: str


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
            Proposal(
                candidate=candidate,
                repeat=repeat,
                seed=spec.seed + repeat,
                setting=setting.shown,
                changes=setting.changes,
                reason=setting.reason,
            )
            for repeat in range(spec.repeats)
            for candidate, setting in enumerate(settings)
            if (candidate, repeat) not in there
        )
        if missing:
            return missing
        if any(not result.state.is_terminal for result in results):
            return ()
        return Conclude(_all_done(len(settings), spec.repeats))

    def outlook(self, spec: ExperimentSpec) -> str | None:
        """Nothing follows."""
        del spec
        return None


def _all_done(settings: int, repeats: int) -> str:
    what = "the one setting" if settings == 1 else f"all {settings} settings"
    often = "" if repeats == 1 else f", each {repeats} times"
    return f"{what} tried{often}"
