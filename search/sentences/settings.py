"""What a search over any settings showed: the winner, the middle, who is as good, who is not."""

from collections.abc import Iterator
from statistics import median

from search.sentences.evidence import Evidence
from search.sentences.words import (
    accuracy,
    difference,
    how_it_diverged,
    listed,
    name_of,
    number,
    reached,
    was,
)
from search.ties import Verdict

# A middle of fewer says nothing.
LEAST_SETTINGS = 3
# So many others get a sentence each; of more there is one a kind.
MAX_OTHERS = 6


def setting_sentences(evidence: Evidence) -> Iterator[str]:
    """First the winner, then the others, each or by kind."""
    yield from winner_sentences(evidence)
    yield from _middle(evidence)
    scored = evidence.others(Verdict.BEST, Verdict.AS_GOOD, Verdict.WORSE, Verdict.UNDECIDED)
    yield from _each(evidence) if len(scored) <= MAX_OTHERS else _by_kind(evidence)
    yield from _diverged(evidence)


def winner_sentences(evidence: Evidence) -> Iterator[str]:
    """The winner, with its accuracy; nothing where there is none."""
    winner = evidence.winner
    if winner is None:
        return
    right = accuracy(evidence, winner)
    won = " won:" if len(evidence.standings) > 1 else " reached"
    end = "" if right is None else f"; accuracy {right}"
    yield f"{_begun(name_of(winner))}{won} {reached(evidence, winner)}{end}."


def _middle(evidence: Evidence) -> Iterator[str]:
    scores = [s.scored.score for s in evidence.standings if s.scored.score is not None]
    if len(scores) >= LEAST_SETTINGS:
        middle = median(scores)
        yield (
            f"The middle of {len(scores)} settings reached {evidence.metric} {number(middle)}, "
            f"which is {number(abs(middle - scores[0]))} worse."
        )


def _each(evidence: Evidence) -> Iterator[str]:
    for standing in evidence.others(Verdict.AS_GOOD, Verdict.WORSE):
        good = standing.verdict is Verdict.AS_GOOD
        how = "was as good within noise" if good else "was worse"
        yield (
            f"{_begun(name_of(standing))} {how}: {reached(evidence, standing)}; "
            f"{difference(standing.difference)}."
        )
    for standing in evidence.others(Verdict.BEST, Verdict.UNDECIDED):
        yield (
            f"{_begun(name_of(standing))} reached {reached(evidence, standing)}. Whether that is "
            "worse is not decided."
        )


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
