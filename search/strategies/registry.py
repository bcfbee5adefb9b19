"""Which strategy a spec asks for."""

from models.specs.experiment import ExperimentSpec
from models.specs.search import (
    CapacitySearch,
    GridSearch,
    LearningRatesSearch,
    NetworksSearch,
    RandomSearch,
    TpeSearch,
)
from search.strategies import grid, learning_rates, networks, random, single
from search.strategies.capacity import Capacity
from search.strategies.fixed import FixedList
from search.strategies.strategy import Strategy
from search.strategies.tpe import Tpe


def strategy_for(spec: ExperimentSpec) -> Strategy:  # noqa: PLR0911 - a line a strategy
    """The strategy that carries out the spec's search."""
    match spec.search:
        case None:
            return FixedList(single.settings)
        case LearningRatesSearch():
            return FixedList(learning_rates.settings)
        case NetworksSearch():
            return FixedList(networks.settings)
        case CapacitySearch():
            return Capacity()
        case GridSearch():
            return FixedList(grid.settings)
        case RandomSearch():
            return FixedList(random.settings)
        case TpeSearch():
            return Tpe()
