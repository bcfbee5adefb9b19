"""What a search over capacity showed: how large is large enough."""

from collections.abc import Iterator

from models.specs.search import CapacitySearch
from search.choice import Choice, JudgedSize
from search.strategies.climb import LINEAR


def size_sentences(search: CapacitySearch, choice: Choice, metric: str) -> Iterator[str]:
    """Why this size, and whether larger or smaller ones deserve a try."""
    chosen, best = choice.chosen, choice.best
    if chosen is best:
        yield f"{_named(chosen)} has the best {metric}, and no smaller size is as good."
    else:
        yield (
            f"{_named(chosen)} is the smallest size within one standard error of the best, which "
            f"is {_named(best)}."
        )
    if any(size.size.depth == LINEAR and size.as_good for size in choice.sizes):
        yield "Capacity is not the limit: the best does not beat a network without hidden layer."
    elif chosen.size.depth == search.max_depth > 1:
        yield (
            f"Ceiling reached: {search.max_depth} layers are the most that were tried. Raise "
            "search.max_depth to see whether more would do better."
        )
    elif chosen.size.units == search.ceiling:
        yield (
            f"Ceiling reached: {search.ceiling} units are the most that were tried. Raise "
            "search.max_units to see whether more would do better."
        )


def _named(size: JudgedSize) -> str:
    return f"{size.size} ({size.candidate.parameters:,} parameters)"
