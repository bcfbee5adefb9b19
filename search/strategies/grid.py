"""Every combination of values of some spec paths."""

from models.specs.experiment import ExperimentSpec
from models.specs.search import GridSearch
from search.strategies.fixed import Setting
from search.strategies.space import names, points, shown


def settings(spec: ExperimentSpec) -> tuple[Setting, ...]:
    """One setting a point; the last path varies fastest."""
    if not isinstance(spec.search, GridSearch):
        raise TypeError("not a search over a grid")
    over = spec.search.over
    called = names(over)
    every = tuple(points(over))
    return tuple(
        Setting(
            shown=shown(changes, called),
            changes=changes,
            reason=f"point {number} of {len(every)} of the grid",
        )
        for number, changes in enumerate(every, start=1)
    )
