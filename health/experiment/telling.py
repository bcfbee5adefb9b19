"""The sentence on health that a conclusion needs most: which fault, in how many trials, what to do.

Pure: the findings of all trials in, a sentence out.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from models.findings import Finding

_WEIGHT = {"problem": 0, "warning": 1}

# What a comparison of learning rates is about, and says of each rate by itself.
OF_LEARNING_RATES = frozenset(
    {"diverged", "exploding_gradients", "learning_rate_too_high", "learning_rate_too_low"}
)


def telling(
    findings: Mapping[int, Sequence[Finding]],
    *,
    winner: int | None,
    told: Collection[str] = (),
) -> str | None:
    """Say what ails the winner or, where it is well, most of the trials.

    A fault of the winner is one of the result; that losing settings are ill is often why they lost,
    so theirs is told only where more than half of all trials share a `problem`. Consequences and
    what is merely informational are left to the trials' own views.

    Args:
        findings: by number of the trial, of every trial that was judged; empty for a healthy one.
        winner: its number; None where no trial has a score.
        told: codes that the conclusion speaks of elsewhere.

    Returns:
        None where there is nothing that a client has to know.
    """
    causes = {
        number: [
            each
            for each in found
            if each.consequence_of is None and each.severity in _WEIGHT and each.code not in told
        ]
        for number, found in findings.items()
    }
    often = Counter(code for found in causes.values() for code in {each.code for each in found})
    if winner is not None and causes.get(winner):
        worst = min(causes[winner], key=lambda each: _WEIGHT[each.severity])
        return _sentence(f"the winner, trial {winner}", worst, _share(often, worst, causes))
    problems = [
        (number, each)
        for number, found in causes.items()
        for each in found
        if each.severity == "problem" and 2 * often[each.code] > len(causes)
    ]
    if not problems:
        return None
    number, shared = max(problems, key=lambda each: (often[each[1].code], -each[0]))
    return _sentence(f"trial {number}", shared, _share(often, shared, causes))


def _share(often: Counter[str], finding: Finding, causes: Collection[int]) -> str:
    trials = len(causes)
    return "" if trials == 1 else f" ({often[finding.code]} of {trials} trials)"


def _sentence(who: str, finding: Finding, share: str) -> str:
    what = finding.code.replace("_", " ")
    return f"Health of {who}: {what}{share}. {finding.evidence} {finding.advice}"
