"""What a search did not cover: settings whose trials failed, were cancelled, or have no score."""

from collections.abc import Iterator
from itertools import islice

from models import failures
from models.lifecycle import State
from search.sentences.evidence import Evidence
from search.sentences.verdicts import name_of
from search.sentences.words import listed, was
from search.ties import Standing, Verdict

# Trials of one search mostly fail of the same.
MAX_CAUSES = 5


def uncovered(evidence: Evidence) -> Iterator[str]:
    """One sentence a cause, of candidates without a score; the diverged ones left out."""
    diverged = evidence.diverged()
    lost = [each for each in evidence.others(Verdict.NO_SCORE) if each not in diverged]
    causes: dict[str, list[str]] = {}
    for standing in lost:
        causes.setdefault(cause_of(standing), []).append(name_of(standing))
    for cause, names in islice(causes.items(), MAX_CAUSES):
        yield f"Without a score {was(names)} {listed(names)}: {cause}."
    if len(causes) > MAX_CAUSES:
        yield f"{len(causes) - MAX_CAUSES} more causes left settings without a score."


def cause_of(standing: Standing) -> str:
    """Why a candidate has no score: "out of memory"."""
    results = standing.candidate.trials
    codes = sorted({result.error_code for result in results if result.error_code})
    if codes:
        titles = (failures.TITLES.get(code, code.replace("_", " ")) for code in codes)
        return ", ".join(title[:1].lower() + title[1:] for title in titles)
    if all(result.state is State.CANCELLED for result in results):
        return "cancelled"
    return "no epoch left a finite number"
