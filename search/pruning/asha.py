"""Asynchronous successive halving: at each rung only the best share of those that reached it go on.

Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, with rungs at
min_epochs * reduction^k. Theirs pauses trials and promotes the best ones later. This is the
variant that stops them at once, which needs no places for paused trials: whoever comes first to a
rung goes on, and is not asked again before the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models.monitor import Monitored
from models.specs.prune import AshaPrune
from models.trial import Reached
from search.pruning.rule import Prune


@dataclass(frozen=True, slots=True)
class Asha:
    """The rule of a spec."""

    spec: AshaPrune

    def judged_at(self, epoch: int) -> int | None:
        """The highest rung that is not above the epoch."""
        rung = self.spec.min_epochs
        if epoch < rung:
            return None
        while rung * self.spec.reduction <= epoch:
            rung *= self.spec.reduction
        return rung

    def judge(
        self, epoch: int, trial: Reached, others: Sequence[Reached], judged: Monitored
    ) -> Prune | None:
        """Its best against the best of all that reached the rung; nobody is cut among too few."""
        there = len(others) + 1
        places = there // self.spec.reduction
        ahead = sum(judged.better(other.best, trial.best) for other in others)
        if not places or ahead < places:
            return None
        return Prune(
            f"Its best {judged.metric} in {epoch} epochs, {trial.best:.4g}, is number {ahead + 1} "
            f"of {there} trials that have come so far, and one in {self.spec.reduction} goes on."
        )
