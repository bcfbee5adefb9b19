"""What a pruning rule is: from how far a trial and its siblings have come, whether it goes on.

A rule keeps no state. It is asked while the trial trains, with what is known at that moment; a
trial that goes on from a checkpoint is judged anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from models.monitor import Monitored
from models.trial import Reached


@dataclass(frozen=True, slots=True)
class Prune:
    """The trial is to end.

    Attributes:
        reason: why, in words.
    """

    reason: str


class Rule(Protocol):
    """One way to tell which trials are worth going on with."""

    def judged_at(self, epoch: int) -> int | None:
        """The epoch at which a trial that has trained so many is compared; None before the first.

        It never falls, and is never above `epoch`.
        """
        ...

    def judge(
        self, epoch: int, trial: Reached, others: Sequence[Reached], judged: Monitored
    ) -> Prune | None:
        """Whether the trial falls behind.

        Args:
            epoch: as `judged_at` says.
            trial: as it was then.
            others: trials of other settings, as they were then.
            judged: by what trials are compared.
        """
        ...
