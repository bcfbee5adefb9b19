"""All that a conclusion's sentences are made from."""

from collections.abc import Iterator
from dataclasses import dataclass

from models.lifecycle import StopReason
from models.monitor import Mode
from search.curves import Curves
from search.ties import Standing, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known when a search is over.

    Attributes:
        metric: what was monitored.
        mode: which way it is better.
        standings: all candidates, best first.
        winner: of these; not always the best one: capacity prefers what is small.
        curves: of the contenders.
    """

    metric: str
    mode: Mode
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

    def diverged(self) -> tuple[Standing, ...]:
        """Candidates of which a trial diverged."""
        return tuple(each for each in self.others(Verdict.NO_SCORE) if any(divergences(each)))


def divergences(standing: Standing) -> Iterator[int]:
    """The epochs in which trials of a candidate diverged."""
    for result in standing.scored.results:
        if result.stop_reason is StopReason.DIVERGED:
            yield result.epochs


def pruned(standing: Standing) -> bool:
    """Whether a trial of a candidate was ended because its siblings were far ahead."""
    return any(result.stop_reason is StopReason.PRUNED for result in standing.scored.results)
