"""The layers that a client wrote, and which of them are hidden: what repairs may change."""

from collections.abc import Iterable, Sequence
from itertools import takewhile

from health.repairs.repair import Changes
from models.specs.experiment import ExperimentSpec
from models.specs.layers.core import Dense
from models.specs.layers.layer import LayerSpec


def own_layers(spec: ExperimentSpec) -> tuple[LayerSpec, ...]:
    """As the client wrote them; none where a search proposes whole networks."""
    return () if spec.network is None else spec.network.layers


def first_not_hidden(spec: ExperimentSpec) -> int:
    """The index of the client's own output layer; beyond all of them where it is appended."""
    own = own_layers(spec)
    if spec.network is None or spec.network.output == "auto":
        return len(own)
    return max((i for i, layer in enumerate(own) if isinstance(layer, Dense)), default=0)


def followers(layers: Sequence[LayerSpec], index: int) -> tuple[LayerSpec, ...]:
    """What happens to a layer's output before the next layer with a kernel takes it in."""
    return tuple(takewhile(lambda each: not each.has_kernel, layers[index + 1 :]))


def with_layers(layers: Iterable[LayerSpec]) -> Changes:
    """The network made of these instead."""
    return {"network.layers": [each.model_dump(mode="json") for each in layers]}
