"""Named networks side by side."""

from models.specs.experiment import ExperimentSpec
from models.specs.search import NetworksSearch
from search.strategies.strategy import Setting, search_of


def settings(spec: ExperimentSpec) -> tuple[Setting, ...]:
    """One setting a network, in the order given."""
    search = search_of(spec, NetworksSearch)
    return tuple(
        Setting(
            shown={"network": name},
            changes={"network": network.model_dump(mode="json", exclude_unset=True)},
            reason=f'network "{name}", one of those to compare',
        )
        for name, network in search.networks.items()
    )
