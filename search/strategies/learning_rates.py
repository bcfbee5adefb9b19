"""The same network at several learning rates."""

import math
from itertools import pairwise

from models.specs.experiment import ExperimentSpec
from models.specs.search import LearningRatesSearch
from search.strategies.strategy import Setting, search_of

# People read rates and tell them apart by so many digits; a double has no more than the latter.
DIGITS = 3
MAX_DIGITS = 17


def settings(spec: ExperimentSpec) -> tuple[Setting, ...]:
    """One setting a rate, in the order given."""
    search = search_of(spec, LearningRatesSearch)
    return tuple(
        Setting(
            shown={"learning_rate": rate},
            changes={"compile.optimizer.learning_rate": rate},
            reason=f"learning rate {rate:g}, one of those to compare",
        )
        for rate in rates(search)
    )


def rates(search: LearningRatesSearch) -> tuple[float, ...]:
    """The values as given, or `count` of them with a constant ratio from low to high.

    The inner ones have three digits, which people read, and more only where it takes them to tell
    one from another. Fewer than `count` where there are not so many numbers in between.
    """
    if search.values is not None:
        return search.values
    if search.low is None or search.high is None or search.count is None:
        raise ValueError("neither values nor low, high and count")
    low, high = math.log10(search.low), math.log10(search.high)
    step = (high - low) / (search.count - 1)
    inner = [10 ** (low + step * index) for index in range(1, search.count - 1)]
    for digits in range(DIGITS, MAX_DIGITS + 1):
        found = (search.low, *(float(f"{rate:.{digits}g}") for rate in inner), search.high)
        if all(one < next_ for one, next_ in pairwise(found)):
            return found
    between = {rate for rate in inner if search.low < rate < search.high}
    return (search.low, *sorted(between), search.high)
