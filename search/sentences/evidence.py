"""All that a conclusion's sentences are made from."""

from dataclasses import dataclass

from models.lifecycle import StopReason
from models.monitor import Monitored
from search.curves import Curves
from search.ties import Standing, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known when a search is over.

    Attributes:
        judged: by what candidates were compared.
        standings: all candidates, best first.
        winner: of these; not always the best one: capacity prefers what is small.
        curves: of the contenders.
    """

    judged: Monitored
    standings: tuple[Standing, ...]
    winner: Standing | None
    curves: Curves

    def others(self, *verdicts: Verdict) -> tuple[Standing, ...]:
        """Candidates with one of these verdicts, the winner left out, best first."""
        return tuple(
            standing
            for standing in self.standings
            if standing is not self.winner and standing.verdict in verdicts
        )

    def others_with_a_score(self) -> tuple[Standing, ...]:
        """Candidates that can be compared with the winner, best first."""
        return self.others(Verdict.BEST, Verdict.AS_GOOD, Verdict.WORSE, Verdict.UNDECIDED)

    def diverged(self) -> tuple[Standing, ...]:
        """Candidates of which a trial diverged."""
        return tuple(each for each in self.others(Verdict.NO_SCORE) if each.candidate.diverged)


def divergences(standing: Standing) -> tuple[int, ...]:
    """The epochs in which trials of a candidate diverged."""
    return tuple(
        trial.epochs
        for trial in standing.candidate.trials
        if trial.stop_reason is StopReason.DIVERGED
    )
