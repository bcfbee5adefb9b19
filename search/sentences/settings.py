"""What a search over any settings showed: the winner, the middle, who is as good, who is not."""

from collections.abc import Iterator
from statistics import median

from search.sentences.evidence import Evidence
from search.sentences.verdicts import (
    as_good,
    difference,
    how_it_diverged,
    name_of,
    reached,
    undecided,
    won,
)
from search.sentences.words import listed, number, was
from search.ties import Verdict

# A middle of fewer says nothing.
LEAST_SETTINGS = 3
# So many others get a sentence each; of more there is one a kind.
MAX_OTHERS = 6


def setting_sentences(evidence: Evidence) -> Iterator[str]:
    """First the winner, then the others, each or by kind."""
    yield from winner_sentences(evidence)
    yield from _middle(evidence)
    scored = evidence.others_with_a_score()
    yield from _each(evidence) if len(scored) <= MAX_OTHERS else _by_kind(evidence)
    yield from _diverged(evidence)


def winner_sentences(evidence: Evidence) -> Iterator[str]:
    """The winner, with its accuracy; nothing where there is none."""
    winner = evidence.winner
    if winner is not None:
        yield won(evidence, winner, _begun(name_of(winner)))


def _middle(evidence: Evidence) -> Iterator[str]:
    scores = [s.candidate.score for s in evidence.standings if s.candidate.score is not None]
    if len(scores) >= LEAST_SETTINGS:
        middle = median(scores)
        yield (
            f"The middle of {len(scores)} settings reached {evidence.judged.metric} "
            f"{number(middle)}, which is {number(abs(middle - scores[0]))} worse."
        )


def _each(evidence: Evidence) -> Iterator[str]:
    for standing in evidence.others(Verdict.AS_GOOD, Verdict.WORSE):
        name = _begun(name_of(standing))
        if standing.verdict is Verdict.AS_GOOD:
            yield as_good(evidence, standing, name)
        else:
            held_against = difference(standing.difference)
            yield f"{name} was worse: {reached(evidence, standing)}; {held_against}."
    for standing in evidence.others(Verdict.BEST, Verdict.UNDECIDED):
        yield undecided(evidence, standing, _begun(name_of(standing)))


def _by_kind(evidence: Evidence) -> Iterator[str]:
    good = [name_of(standing) for standing in evidence.others(Verdict.AS_GOOD)]
    worse, open_ = evidence.others(Verdict.WORSE), evidence.others(Verdict.UNDECIDED)
    if good:
        yield f"As good within noise {was(good)} {listed(good)}."
    if worse:
        yield f"{len(worse)} settings were worse by more than one standard error, row by row."
    if open_:
        yield f"{len(open_)} more ranked lower; whether they are worse is not decided."


def _diverged(evidence: Evidence) -> Iterator[str]:
    diverged = evidence.diverged()
    if len(diverged) == 1:
        yield f"{_begun(name_of(diverged[0]))} {how_it_diverged(diverged[0])}."
    elif diverged:
        yield f"{_begun(listed([name_of(each) for each in diverged]))} diverged."


def _begun(words: str) -> str:
    """At the start of a sentence. Names stay as they are written; only our own words change."""
    return words.replace("the spec", "The spec", 1) if words.startswith("the spec") else words
