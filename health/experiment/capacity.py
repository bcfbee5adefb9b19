"""Underfitting: what only networks side by side can show, a larger one that does better. Pure."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from health.words import number
from models.findings import Finding, Patch
from models.specs.experiment import ExperimentSpec
from models.specs.search import CapacitySearch, NetworksSearch
from models.trial import TrialResult
from models.views.comparison import Conclusion, Ranked

# As CapacitySearch.max_depth and numbers.Units allow.
MAX_DEPTH = 32
MAX_UNITS = 65_536

# Breiman's rule, as in `search.paired`: one standard error of the paired difference.
STANDARD_ERRORS = 1.0

EXPLANATION = (
    "Networks with fewer parameters cannot represent what there is to learn: a larger one does "
    "better on rows that neither was trained on."
)


def underfitting(
    spec: ExperimentSpec, results: Sequence[TrialResult], conclusion: Conclusion
) -> Finding | None:
    """Say whether a larger network did better, by more than one paired standard error.

    A warning where the best is also the largest that was tried, since a still larger one may do
    better again; informational where a larger one was tried and was not better.

    Args:
        spec: of the experiment.
        results: of its trials.
        conclusion: what comparing them came to.

    Returns:
        None for other searches, and where no smaller network is shown to be worse than the best.
    """
    scored = [line for line in conclusion.ranking if line.score is not None]
    if not isinstance(spec.search, CapacitySearch | NetworksSearch) or not scored:
        return None
    parameters = {result.number: result.parameters for result in results}
    best, *rest = scored
    size = _size(best, parameters)
    beaten = [line for line in rest if _size(line, parameters) < size and _is_worse(line)]
    if not beaten:
        return None
    next_smaller = max(beaten, key=lambda line: _size(line, parameters))
    difference = next_smaller.difference
    if difference is None:
        return None
    largest = all(_size(line, parameters) < size for line in rest)
    told = (
        f"{_named(best.setting)} ({size:,} parameters) is better than "
        f"{_named(next_smaller.setting)} ({_size(next_smaller, parameters):,}): row by row the "
        f"loss is {number(difference.mean, 2)} ± {number(difference.standard_error, 1)} lower"
    )
    return Finding(
        code="underfitting",
        severity="warning" if largest else "info",
        value=difference.mean,
        threshold=STANDARD_ERRORS * difference.standard_error,
        evidence=f"{told}.",
        explanation=EXPLANATION,
        advice=_advice(largest=largest),
        patch=_larger(spec.search, best) if largest else (),
    )


def _advice(*, largest: bool) -> str:
    if largest:
        return "The best is the largest that was tried: try larger ones still."
    return "Take the winner: larger ones were tried and did no better."


def _larger(search: CapacitySearch | NetworksSearch, best: Ranked) -> Patch:
    """The same search with room beyond the size that won at the edge."""
    if not isinstance(search, CapacitySearch):
        return ()
    depth, units = best.setting.get("hidden_layers"), best.setting.get("units")
    if depth == search.max_depth > 1:
        return _raised("max_depth", search.max_depth, min(2 * search.max_depth, MAX_DEPTH))
    if units == search.ceiling:
        return _raised("max_units", search.ceiling, min(search.factor * search.ceiling, MAX_UNITS))
    return ()


def _raised(field: str, now: int, to: int) -> Patch:
    return ({"op": "replace", "path": f"/search/{field}", "value": to},) if to > now else ()


def _is_worse(line: Ranked) -> bool:
    difference = line.difference
    return difference is not None and difference.mean > STANDARD_ERRORS * difference.standard_error


def _size(line: Ranked, parameters: Mapping[int, int]) -> int:
    return max(parameters.get(number, 0) for number in line.trials)


def _named(setting: Mapping[str, JsonValue]) -> str:
    """A size or a network as a person would say it."""
    return ", ".join(f"{name} {value}" for name, value in setting.items())
