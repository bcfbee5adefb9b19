"""No search: the spec as it is."""

from models.specs.experiment import ExperimentSpec
from search.strategies.strategy import Setting


def settings(spec: ExperimentSpec) -> tuple[Setting, ...]:
    """The one setting, with nothing changed."""
    del spec
    return (Setting(shown={}, changes={}, reason="the spec as given"),)
