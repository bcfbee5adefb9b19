"""The same network at several learning rates."""

import math

from models.specs.experiment import ExperimentSpec
from models.specs.search import LearningRatesSearch
from search.strategies.strategy import Setting, search_of


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
    """The values as given, or `count` of them with a constant ratio from low to high."""
    if search.values is not None:
        return search.values
    if search.low is None or search.high is None or search.count is None:
        raise ValueError("neither values nor low, high and count")
    low, high = math.log10(search.low), math.log10(search.high)
    step = (high - low) / (search.count - 1)
    inner = (_short(10 ** (low + step * index)) for index in range(1, search.count - 1))
    return (search.low, *inner, search.high)


def _short(rate: float) -> float:
    """Three digits are enough to tell rates apart, and people read them."""
    return float(f"{rate:.3g}")
