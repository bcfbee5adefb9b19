"""What a comparison of learning rates showed, in words: which won, which were too low or too high.

The sentences follow the verdicts that they are given, so that the two never contradict each other.
"""

from collections.abc import Iterator, Sequence

from models.views.comparison import RateVerdict
from search.sentences.evidence import Evidence
from search.sentences.rate_verdicts import rate_of
from search.sentences.verdicts import how_it_diverged, won
from search.sentences.words import listed, number, was
from search.ties import Standing

# Of those that did not win; the ranking has them all.
MAX_RATES = 12


def rate_sentences(evidence: Evidence, rates: Sequence[RateVerdict]) -> Iterator[str]:
    """One about the winner, one about each other rate of the first few, one about the diverged."""
    verdicts = {rate.learning_rate: rate for rate in rates}
    winner = evidence.winner
    if winner is not None:
        yield won(evidence, winner, _name(winner))
        yield from _edge(evidence, winner)
        yield from _doubts(verdicts[rate_of(winner)])
    others = evidence.others_with_a_score()
    for standing in others[:MAX_RATES]:
        yield _told(_name(standing), verdicts[rate_of(standing)])
    if len(others) > MAX_RATES:
        yield f"{len(others) - MAX_RATES} more rates ranked lower."
    yield from _diverged(evidence)


def _doubts(winner: RateVerdict) -> Iterator[str]:
    """The best of those that were tried need not be good."""
    match winner.verdict:
        case "too_low" | "too_high":
            yield f"It was {_spelled(winner)} itself: {winner.evidence}."
        case "not_decided":
            yield f"Whether it is a good rate is not decided: {winner.evidence}."


def _told(name: str, rate: RateVerdict) -> str:
    match rate.verdict:
        case "good":
            return f"{name} was as good within noise: {rate.evidence}."
        case "not_decided":
            return f"{name} reached {rate.evidence}. Whether that is worse is not decided."
        case _:
            return f"{name} was {_spelled(rate)}: {rate.evidence}."


def _spelled(rate: RateVerdict) -> str:
    return rate.verdict.replace("_", " ")


def _edge(evidence: Evidence, winner: Standing) -> Iterator[str]:
    """Where the winner is the last rate of those that were tried, the best may lie beyond."""
    tried = [rate_of(each) for each in evidence.standings if each.candidate.score is not None]
    tried += [rate_of(each) for each in evidence.diverged()]
    if len(tried) < 2:  # noqa: PLR2004 - one rate has no edge
        return
    if rate_of(winner) == max(tried):
        yield "It is the highest rate that was tried: a higher one may be better still."
    elif rate_of(winner) == min(tried):
        yield "It is the lowest rate that was tried: a lower one may be better still."


def _diverged(evidence: Evidence) -> Iterator[str]:
    diverged, winner = evidence.diverged(), evidence.winner
    if winner is None and diverged and len(diverged) == len(evidence.standings):
        lowest = min(diverged, key=rate_of)
        yield f"Every rate that was tried diverged: try rates below {_name(lowest)}."
        return
    above = [each for each in diverged if winner is not None and rate_of(each) > rate_of(winner)]
    if len(above) == 1:
        yield f"{_name(above[0])} was too high: it {how_it_diverged(above[0])}."
    elif above:
        yield f"{listed([_name(each) for each in above])} were too high: they diverged."
    rest = [each for each in diverged if each not in above]
    if len(rest) == 1:
        yield f"{_name(rest[0])} {how_it_diverged(rest[0])}."
    elif rest:
        names = [_name(each) for each in rest]
        yield f"{listed(names)} diverged, so there {was(names)} no score of them."


def _name(standing: Standing) -> str:
    return number(rate_of(standing))
