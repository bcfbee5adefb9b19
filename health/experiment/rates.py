"""Is a learning rate too low, too high or good? What a comparison showed, weighed with findings.

A comparison that decides stands: it tried what a finding only suspects. Findings decide what it
leaves open, and they can take back that the best of those tried is good. Pure.
"""

from collections.abc import Mapping, Sequence

from models.findings import Finding
from models.views.comparison import RateVerdict, RateWord

# What each of these codes says of the learning rate that it was found at, causes first: a rate that
# is too high may leave a network where its steps come to little.
_SAID: dict[str, RateWord] = {
    "learning_rate_too_high": "too_high",
    "learning_rate_too_low": "too_low",
    "learned_nothing": "not_decided",
}

CODES = frozenset(_SAID)
"""Of the findings that count here."""


def weighed(
    rates: Sequence[RateVerdict], findings: Mapping[int, Sequence[Finding]]
) -> tuple[RateVerdict, ...]:
    """Weigh verdicts that come of comparing with what was found in the trials.

    - "too_low" and "too_high" stay as they are.
    - A "good" one of which findings say otherwise is what they say, where that is true of every
      "good" one; beside one that is healthy it is not decided.
    - One that was not decided is what findings say, unless a healthy "good" one lies on the other
      side of it: a rate is not too high where a higher one did well.

    Findings count that were made in more than half of the trials of a rate.

    Args:
        rates: of one comparison.
        findings: those with one of CODES, by number of the trial.

    Returns:
        As many, in the same order.
    """
    found = {rate.learning_rate: _found(rate, findings) for rate in rates}
    healthy = [
        rate.learning_rate
        for rate in rates
        if rate.verdict == "good" and found[rate.learning_rate] is None
    ]
    return tuple(_weighed(rate, found[rate.learning_rate], healthy) for rate in rates)


def _weighed(
    rate: RateVerdict, finding: tuple[int, Finding] | None, healthy: Sequence[float]
) -> RateVerdict:
    if finding is None or rate.verdict in {"too_low", "too_high"}:
        return rate
    number, what = finding
    told = f"{what.code} in trial {number}: {what.evidence.rstrip('.')}"
    said = _SAID[what.code]
    if rate.verdict == "good" and (healthy or said == "not_decided"):
        return _changed(rate, "not_decided", f"{rate.evidence}; yet {told}")
    if rate.verdict == "not_decided" and _is_gainsaid(rate.learning_rate, said, healthy):
        return rate
    return _changed(rate, said, told) if said != "not_decided" else rate


def _is_gainsaid(rate: float, said: RateWord, healthy: Sequence[float]) -> bool:
    """Whether a rate that is still further that way did well."""
    if said == "too_low":
        return any(other < rate for other in healthy)
    return any(other > rate for other in healthy)


def _found(
    rate: RateVerdict, findings: Mapping[int, Sequence[Finding]]
) -> tuple[int, Finding] | None:
    """The first finding of the code that most trials of a rate have, with its trial."""
    for code in _SAID:
        having = [
            (number, finding)
            for number in rate.trials
            for finding in findings.get(number, ())
            if finding.code == code
        ]
        if 2 * len({number for number, _ in having}) > len(rate.trials):
            return having[0]
    return None


def _changed(rate: RateVerdict, verdict: RateWord, evidence: str) -> RateVerdict:
    return rate.model_copy(update={"verdict": verdict, "evidence": evidence})
