"""Every combination of values of some spec paths."""

from models.specs.experiment import ExperimentSpec
from models.specs.search import GridSearch
from search.strategies.space import names, points, shown
from search.strategies.strategy import Setting, search_of


def settings(spec: ExperimentSpec) -> tuple[Setting, ...]:
    """One setting a point; the last path varies fastest."""
    search = search_of(spec, GridSearch)
    called, every = names(search.over), tuple(points(search.over))
    return tuple(
        Setting(
            shown=shown(changes, called),
            changes=changes,
            reason=f"point {number} of {len(every)} of the grid",
        )
        for number, changes in enumerate(every, start=1)
    )
