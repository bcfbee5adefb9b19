"""The median stopping rule: a trial ends when it is worse than half of the others were by then.

Golovin et al., "Google Vizier: A Service for Black-Box Optimization", KDD 2017, section 3.2: a
trial is stopped at an epoch if its best value until then is strictly worse than the median of the
running averages, until the same epoch, of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from models.monitor import Monitored
from models.specs.prune import MedianPrune
from models.trial import Reached
from search.pruning.rule import Prune


@dataclass(frozen=True, slots=True)
class Median:
    """The rule of a spec. Here trials that still train count as well: all may run side by side."""

    spec: MedianPrune

    def judged_at(self, epoch: int) -> int | None:
        """At every epoch after the warm-up."""
        return epoch if epoch >= self.spec.warmup_epochs else None

    def judge(
        self, epoch: int, trial: Reached, others: Sequence[Reached], judged: Monitored
    ) -> Prune | None:
        """Its best against the median of the others' averages."""
        if len(others) < self.spec.min_trials:
            return None
        bar = median(other.mean for other in others)
        if not judged.better(bar, trial.best):
            return None
        trials = "1 trial" if len(others) == 1 else f"{len(others)} trials"
        return Prune(
            f"Its best {judged.metric} in {epoch} epochs, {trial.best:.4g}, is worse than "
            f"{bar:.4g}, the median of the averages until then of {trials} of other settings."
        )
