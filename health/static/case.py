"""What is known of a training before it is queued, and where a client wrote each part of it.

Rules ask it for layers and places, so that none has to know who brought the network.
"""

from dataclasses import dataclass
from functools import cached_property

from pydantic import JsonValue

from models.facts import DataFacts
from models.findings import Patch
from models.network_meaning import Resolved
from models.profile import DatasetProfile
from models.specs.experiment import ExperimentSpec
from models.specs.layers.convolution import Convolution
from models.specs.layers.core import Dense
from models.specs.layers.layer import LayerSpec, Shape
from models.specs.shapes import layer_names


@dataclass(frozen=True, kw_only=True)
class Case:
    """One trial as it would be trained.

    Attributes:
        spec: of this trial alone, every default filled in.
        resolved: its network and loss with nothing left open.
        facts: of its data.
        profile: of its dataset.
        network: where in the client's spec its network is; None where a search makes it up.
        compared: whether its score decides between settings.
    """

    spec: ExperimentSpec
    resolved: Resolved
    facts: DataFacts
    profile: DatasetProfile
    network: str | None
    compared: bool

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """All of them, with those that "auto" appends."""
        return self.resolved.network.layers

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the layers, as in the built network."""
        return layer_names(self.layers)

    @cached_property
    def weighted(self) -> tuple[int, ...]:
        """The places of the layers that multiply by weights; the last is the output's."""
        return tuple(
            place
            for place, layer in enumerate(self.layers)
            if isinstance(layer, Dense | Convolution)
        )

    def input_shape(self, place: int) -> Shape:
        """What a layer gets, without the batch."""
        if place == 0:
            return self.resolved.input_shape
        return self.resolved.summary.layers[place - 1].output_shape

    def is_sent(self, place: int) -> bool:
        """Whether the client wrote this layer, rather than the service."""
        return self.network is not None and place < self._sent

    def at(self, place: int, field: str | None = None) -> str:
        """Where a layer, or an argument of it, is in the client's spec.

        A layer that the service appended comes of `output`; those of a search over capacity come
        of its `activation`.
        """
        if self.network is None:
            return "/search/activation" if field == "activation" else "/search"
        if not self.is_sent(place):
            return f"{self.network}/output"
        layer = f"{self.network}/layers/{place}"
        return f"{layer}/{field}" if field else layer

    def at_layers(self) -> str:
        """Where the layers as a whole are."""
        return "/search" if self.network is None else f"{self.network}/layers"

    def replace(self, place: int, field: str, value: JsonValue) -> Patch:
        """The patch that gives an argument of a layer another value; none where nobody wrote it."""
        if self.is_sent(place) or (self.network is None and field == "activation"):
            return replace(self.at(place, field), value)
        return ()

    @property
    def _sent(self) -> int:
        return len(self.spec.network.layers) if self.spec.network else 0


def replace(pointer: str, value: JsonValue) -> Patch:
    """The patch that replaces what is at a pointer."""
    return ({"op": "replace", "path": pointer, "value": value},)
