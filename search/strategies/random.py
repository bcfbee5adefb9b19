"""Settings drawn at random, no two alike.

The standard library's `random` is never imported whole in this folder, so that a reader need not
ask which one is meant.
"""

from random import Random

from models.specs.experiment import ExperimentSpec
from models.specs.search import RandomSearch
from search.strategies.space import distinct, names, shown
from search.strategies.strategy import Setting, search_of


def settings(spec: ExperimentSpec) -> tuple[Setting, ...]:
    """`count` of them, or all there are; the same for the same seed, and the first of more."""
    search = search_of(spec, RandomSearch)
    called = names(search.over)
    drawn = distinct(search.over, search.count, Random(spec.seed))  # noqa: S311 - to be repeatable, not secret
    return tuple(
        Setting(
            shown=shown(changes, called),
            changes=changes,
            reason=f"draw {number} of {len(drawn)}",
        )
        for number, changes in enumerate(drawn, start=1)
    )
