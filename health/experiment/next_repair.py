"""Which finding is to be repaired next, where a client leaves that open. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from models.findings import Finding, Patch

_SEVERITIES = ("problem", "warning", "info")

# Findings whose repair is that of another, and can be carried out again and again: a lower rate.
_REPAIRED_AS = {
    "diverged": "learning_rate_too_high",
    "oscillating": "learning_rate_too_high",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A finding with a patch, and whose it is.

    Attributes:
        trial: its number; for what was found of the experiment as a whole, the winner's.
    """

    trial: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Tried:
    """A repair that an experiment was derived by, and that did not help.

    Attributes:
        code: of the finding that it was for.
        paths: of the spec that it changed.
    """

    code: str
    paths: frozenset[str]


def choices(
    found: Mapping[int, Sequence[Finding]],
    winner: int | None,
    code: str | None = None,
    tried: Collection[Tried] = (),
) -> Iterator[Choice]:
    """The findings that have a patch, the most telling first.

    The winner's before all others, since its network is what the experiment is for, then trial by
    trial. Of one trial a cause before its consequences, however much worse they are, and of either
    a problem before a warning; what is informational, with all that follows of it, comes last. A
    repair that did not help is left out, unless the finding's patch now changes more than that did,
    and so goes further.

    Args:
        found: by number of the trial.
        winner: its number; None where no trial has a score.
        code: to choose among findings with this code alone.
        tried: what has not helped.
    """
    for trial in sorted(found, key=lambda number: (number != winner, number)):
        able = (each for each in found[trial] if each.patch and code in {None, each.code})
        for finding in sorted(able, key=partial(_rank, there=found[trial])):
            if not any(_is_the_same(finding, each) for each in tried):
                yield Choice(trial, finding)


def paths(patch: Patch) -> frozenset[str]:
    """Where a patch changes the spec."""
    return frozenset(str(operation["path"]) for operation in patch)


def _is_the_same(finding: Finding, tried: Tried) -> bool:
    codes = (_REPAIRED_AS.get(code, code) for code in (finding.code, tried.code))
    return len(set(codes)) == 1 and paths(finding.patch) <= tried.paths


def _rank(finding: Finding, there: Sequence[Finding]) -> tuple[bool, bool, int]:
    with_what_follows = (each for each in there if finding.code in {each.code, each.consequence_of})
    harmless = all(each.severity == "info" for each in with_what_follows)
    follows = finding.consequence_of is not None
    return harmless, follows, _SEVERITIES.index(finding.severity)
