"""Capacity: dense networks from small to large, until more capacity stops to help.

Rows of several axes need no Flatten here: a network that begins with Dense, or has no layer, gets
them flattened.
"""

from collections.abc import Sequence

from models.monitor import monitored
from models.specs.experiment import ExperimentSpec
from models.specs.search import CapacitySearch
from models.trial import Proposal, TrialResult
from search.candidates import gathered
from search.strategies.climb import Scores, climbed, widths
from search.strategies.strategy import Conclude, Setting, search_of


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
        search = search_of(spec, CapacitySearch)
        climb = climbed(search, decided(search, results), monitored(spec.compile, spec.fit))
        there = {(result.candidate, result.repeat) for result in results}
        missing = tuple(
            Setting(
                shown=rung.size.setting(),
                changes={"network": rung.size.network(search.activation)},
                reason=rung.reason,
            ).proposal(spec, candidate, repeat)
            for candidate, rung in enumerate(climb.rungs)
            for repeat in range(search.seeds)
            if (candidate, repeat) not in there
        )
        if missing:
            return missing
        return () if climb.end is None else Conclude(climb.end)

    def outlook(self, spec: ExperimentSpec) -> str | None:
        """How far it may climb."""
        search = search_of(spec, CapacitySearch)
        most = len(widths(search)) + search.max_depth  # linear instead of the first depth
        return (
            f"Wider networks follow while they help, up to {search.ceiling} units, then deeper "
            f"ones, up to {search.max_depth} hidden layers: at most {most * search.seeds} trials."
        )


def decided(search: CapacitySearch, results: Sequence[TrialResult]) -> tuple[Scores, ...]:
    """The rungs of which every seed is over, up to the first that is not.

    A rung has no scores when any of its seeds diverged, which cannot be trusted with the next, or
    was pruned, which was behind.
    """
    found: list[Scores] = []
    for rung in gathered(results):
        if rung.number != len(found) or len(rung.trials) < search.seeds or not rung.over:
            break
        found.append(rung.scores if rung.whole else {})
    return tuple(found)
