"""Capacity: dense networks from small to large, until more capacity stops to help.

Rows of several axes need no Flatten here: a network that begins with Dense, or has no layer, gets
them flattened.
"""

from collections.abc import Sequence
from itertools import groupby

from models.lifecycle import StopReason
from models.monitor import monitored
from models.specs.experiment import ExperimentSpec
from models.specs.search import CapacitySearch
from models.trial import Proposal, TrialResult
from search.ranking import counts
from search.strategies.climb import Scores, climbed, widths
from search.strategies.strategy import Conclude

# Neither came to the end of its training.
_CUT = (StopReason.DIVERGED, StopReason.PRUNED)


class Capacity:
    """One rung after the other, each with all its seeds.

    A rung is queued as soon as it cannot be avoided, so that slots need not idle: after a best one
    `patience` more will be tried in any case. What is trained is what one rung at a time would be.
    """

    waits_for_all = False

    def propose(
        self, spec: ExperimentSpec, results: Sequence[TrialResult]
    ) -> tuple[Proposal, ...] | Conclude:
        """The next rungs, or the end."""
        search = search_of(spec)
        climb = climbed(search, decided(search, results), monitored(spec.compile, spec.fit))
        there = {(result.candidate, result.repeat) for result in results}
        missing = tuple(
            Proposal(
                candidate=candidate,
                repeat=repeat,
                seed=spec.seed + repeat,
                setting=rung.size.setting(),
                changes={"network": rung.size.network(search.activation)},
                reason=rung.reason,
            )
            for candidate, rung in enumerate(climb.rungs)
            for repeat in range(search.seeds)
            if (candidate, repeat) not in there
        )
        if missing:
            return missing
        return () if climb.end is None else Conclude(climb.end)

    def outlook(self, spec: ExperimentSpec) -> str | None:
        """How far it may climb."""
        search = search_of(spec)
        most = len(widths(search)) + search.max_depth  # linear instead of the first depth
        return (
            f"Wider networks follow while they help, up to {search.ceiling} units, then deeper "
            f"ones, up to {search.max_depth} hidden layers: at most {most * search.seeds} trials."
        )


def search_of(spec: ExperimentSpec) -> CapacitySearch:
    """The search of a spec that asks for one over capacity."""
    if not isinstance(spec.search, CapacitySearch):
        raise TypeError("not a search over capacity")
    return spec.search


def decided(search: CapacitySearch, results: Sequence[TrialResult]) -> tuple[Scores, ...]:
    """The rungs of which every seed is over, up to the first that is not.

    A rung has no scores when any of its seeds diverged, which cannot be trusted with the next, or
    was pruned, which was behind.
    """
    found: list[Scores] = []
    ordered = sorted(results, key=lambda result: (result.candidate, result.repeat))
    for candidate, group in groupby(ordered, key=lambda result: result.candidate):
        trials = tuple(group)
        over = all(trial.state.is_terminal for trial in trials)
        if candidate != len(found) or len(trials) < search.seeds or not over:
            break
        found.append(scores_of(trials))
    return tuple(found)


def scores_of(trials: Sequence[TrialResult]) -> Scores:
    """The scores of one rung by repeat; none where it was not trained to its end."""
    if any(trial.stop_reason in _CUT for trial in trials):
        return {}
    return {
        trial.repeat: trial.score for trial in trials if counts(trial) and trial.score is not None
    }
