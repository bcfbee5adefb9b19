"""Which finding is to be repaired next, where a client leaves that open. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.findings import Finding

_SEVERITIES = ("problem", "warning", "info")


@dataclass(frozen=True, slots=True)
class Choice:
    """A finding with a patch, and whose it is.

    Attributes:
        trial: its number; for what was found of the experiment as a whole, the winner's.
    """

    trial: int
    finding: Finding


def choose(
    found: Mapping[int, Sequence[Finding]], winner: int | None, code: str | None = None
) -> Choice | None:
    """The most telling finding that has a patch.

    The winner's first, since its network is what the experiment is for, else those of the first
    trial that has one. Of one trial a cause before its consequences, however much worse they are,
    and of either a problem before a warning; what is informational comes last.

    Args:
        found: by number of the trial.
        winner: its number; None where no trial has a score.
        code: to choose among findings with this code alone.
    """
    for trial in sorted(found, key=lambda number: (number != winner, number)):
        able = [each for each in found[trial] if each.patch and code in {None, each.code}]
        if able:
            return Choice(trial, min(able, key=_rank))
    return None


def _rank(finding: Finding) -> tuple[bool, bool, int]:
    follows = finding.consequence_of is not None
    return finding.severity == "info", follows, _SEVERITIES.index(finding.severity)
