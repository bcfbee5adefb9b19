"""The sentence on health that a conclusion needs most: which fault, in how many trials, what to do.

Pure: how faults spread among trials in, a sentence out.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from models.findings import Finding, Spread

_WEIGHT = {"problem": 0, "warning": 1}

# What a comparison of learning rates is about, and says of each rate by itself.
OF_LEARNING_RATES = frozenset(
    {"diverged", "exploding_gradients", "learning_rate_too_high", "learning_rate_too_low"}
)


def telling(
    of: Callable[[int], Sequence[Finding]],
    spread: Sequence[Spread],
    *,
    judged: int,
    winner: int | None,
    told: Collection[str] = (),
) -> str | None:
    """Say what ails the winner or, where it is well, most of the trials.

    A fault of the winner is one of the result; that losing settings are ill is often why they lost,
    so theirs is told only where more than half of all trials share a `problem`. Consequences and
    what is merely informational are left to the trials' own views.

    Args:
        of: what was found in the trial with a number; asked for one trial or two.
        spread: of every fault that is a cause of its own in some trial.
        judged: how many trials were, the healthy ones among them.
        winner: its number; None where no trial has a score.
        told: codes that the conclusion speaks of elsewhere.

    Returns:
        None where there is nothing that a client has to know.
    """
    often = {each.code: each.trials for each in spread if each.code not in told}
    ill = [] if winner is None else _causes(of(winner), often)
    if ill:
        worst = min(ill, key=lambda each: _WEIGHT[each.severity])
        return _sentence(f"the winner, trial {winner}", worst, often, judged)
    shared = [
        (each.trials, -each.first_problem, each.code)
        for each in spread
        if each.code in often and each.first_problem is not None and 2 * each.trials > judged
    ]
    if not shared:
        return None
    trials, first, _ = max(shared)
    alike = {code for *where, code in shared if where == [trials, first]}
    problems = (each for each in _causes(of(-first), alike) if each.severity == "problem")
    return _sentence(f"trial {-first}", next(problems), often, judged)


def _causes(findings: Sequence[Finding], codes: Collection[str]) -> list[Finding]:
    return [
        each
        for each in findings
        if each.code in codes and each.consequence_of is None and each.severity in _WEIGHT
    ]


def _sentence(who: str, finding: Finding, often: Mapping[str, int], judged: int) -> str:
    share = "" if judged == 1 else f" ({often[finding.code]:,} of {judged:,} trials)"
    what = finding.code.replace("_", " ")
    return f"Health of {who}: {what}{share}. {finding.evidence} {finding.advice}"
