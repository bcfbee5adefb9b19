"""Infers every layer's output shape and number of parameters, without Keras.

So a mistake in a network is found when it is sent, at the layer that makes it, and not by a worker.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod

from models.errors import Invalid, Issue
from models.specs.initializers import InitializerSpec
from models.specs.layers.layer import Built, LayerSpec, Shape, ShapeError, spelled
from models.specs.names import Tagged, snake_case
from models.specs.regularizers import RegularizerSpec

# 2 GB of float32, three times that with Adam's moments: what a 16 GB device can train.
MAX_PARAMETERS = 500_000_000
# 400 MB of float32 for one row's output of one layer.
MAX_VALUES_PER_ROW = 100_000_000


@dataclass(frozen=True, slots=True)
class LayerSummary:
    """One layer of a network, as keras.Model.summary() would show it.

    Attributes:
        name: as in the built network: "dense_1".
        layer: Keras's class, "Dense".
        output_shape: without the batch.
        parameters: all numbers in its weights.
        trainable: those of them that are learned.
    """

    name: str
    layer: str
    output_shape: Shape
    parameters: int
    trainable: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A whole network."""

    layers: tuple[LayerSummary, ...]
    output_shape: Shape
    parameters: int
    trainable_parameters: int


def infer(
    layers: Sequence[LayerSpec],
    input_shape: Shape,
    pointer: str = "/network/layers",
    *,
    known: Summary | None = None,
) -> Summary:
    """Follow a row through the layers.

    Args:
        layers: in order; may be empty.
        input_shape: of one row, without the batch, as network_input_shape returns it.
        pointer: where the layers are in the request body.
        known: of the first of these layers, which are not followed again.

    Raises:
        Invalid: at the first layer that cannot take its input, or when names clash or the network
            is too large.
    """
    shape = known.output_shape if known else input_shape
    found = list(known.layers) if known else []
    named = enumerate(zip(layers, _names(layers, pointer), strict=True))
    for index, (layer, name) in islice(named, len(found), None):
        try:
            built = layer.build(shape)
            _check_weights(layer, built)
        except ShapeError as error:
            raise Invalid([_issue(error, f"{pointer}/{index}")]) from error
        shape = built.output_shape
        found.append(
            LayerSummary(
                name,
                layer.keras_name,
                shape,
                sum(weight.size for weight in built.weights),
                sum(weight.size for weight in built.weights if weight.trainable),
            )
        )
    parameters = sum(layer.parameters for layer in found)
    if parameters > MAX_PARAMETERS:
        largest = max(range(len(found)), key=lambda index: found[index].parameters)
        raise Invalid(
            [
                Issue(
                    f"{pointer}/{largest}",
                    "too_many_parameters",
                    f"The network has {parameters:,} parameters, {found[largest].parameters:,} of "
                    f"them in this layer. At most {MAX_PARAMETERS:,} can be trained here.",
                )
            ]
        )
    return Summary(tuple(found), shape, parameters, sum(layer.trainable for layer in found))


def network_input_shape(layers: Iterable[LayerSpec], data_shape: Shape) -> Shape:
    """Decide in what shape the network gets a row of data.

    The first layer that cares about axes decides; activations, dropout, noise, rescaling and
    normalization do not. The rule:

    - an image layer (Conv2D, MaxPooling2D, ZeroPadding2D, ...) on rows of two axes gets a channel
      axis: (28, 28) becomes (28, 28, 1);
    - a sequence layer (Conv1D, MaxPooling1D, ...) on rows of one axis likewise: (100) becomes
      (100, 1);
    - Dense, or no such layer at all, on rows of several axes gets them flattened: (28, 28) becomes
      (784). A Dense layer that shall work on the last axis alone needs a Reshape before it;
    - everything else gets the rows as they are.

    Args:
        layers: of the network, without or with its output layer.
        data_shape: of one row of the prepared data, without the batch.
    """
    wants = next((layer.wants for layer in layers if layer.wants != "any"), "features")
    lacks_channels = {"image": 2, "sequence": 1}.get(wants) == len(data_shape)
    if lacks_channels:
        return (*data_shape, 1)
    return (prod(data_shape),) if wants == "features" else data_shape


def layer_names(layers: Sequence[LayerSpec]) -> tuple[str, ...]:
    """Name the layers as Keras would in a fresh process: "dense", "dense_1", "dropout"."""
    seen: Counter[str] = Counter()
    given = {layer.name for layer in layers}
    names = []
    for layer in layers:
        name = layer.name
        while name is None:
            base = snake_case(layer.keras_name)
            candidate = f"{base}_{seen[base]}" if seen[base] else base
            seen[base] += 1
            name = None if candidate in given else candidate
        names.append(name)
    return tuple(names)


def _names(layers: Sequence[LayerSpec], pointer: str) -> tuple[str, ...]:
    given = [layer.name for layer in layers]
    twice = [index for index, name in enumerate(given) if name and name in given[:index]]
    if twice:
        raise Invalid(
            Issue(
                f"{pointer}/{index}/name",
                "name_twice",
                f'Another layer is called "{given[index]}".',
            )
            for index in twice
        )
    return layer_names(layers)


def _issue(error: ShapeError, pointer: str) -> Issue:
    return Issue(
        f"{pointer}/{error.field}" if error.field else pointer, "shape_mismatch", str(error)
    )


def _check_weights(layer: LayerSpec, built: Built) -> None:
    """Refuse what Keras would only find out while building or training.

    Raises:
        ShapeError: an initializer, regularizer or constraint that does not fit its tensor.
    """
    values = prod(built.output_shape)
    if values > MAX_VALUES_PER_ROW:
        raise ShapeError(
            f"One row becomes {values:,} numbers here, {spelled(built.output_shape)}. "
            f"At most {MAX_VALUES_PER_ROW:,} are possible."
        )
    for weight in built.weights:
        _check_rank(layer, f"{weight.role}_initializer", len(weight.shape))
        _check_rank(layer, f"{weight.role}_regularizer", len(weight.shape))
        constraint = getattr(layer, f"{weight.role}_constraint", None)
        axis = getattr(constraint, "axis", 0)
        if not -len(weight.shape) <= axis < len(weight.shape):
            raise ShapeError(
                f"The {weight.role} has the axes 0 to {len(weight.shape) - 1}, no axis {axis}.",
                f"{weight.role}_constraint/axis",
            )
    _check_rank(layer, "activity_regularizer", 1 + len(built.output_shape))


def _check_rank(layer: LayerSpec, field: str, rank: int) -> None:
    part: Tagged | None = getattr(layer, field, None)
    if not isinstance(part, InitializerSpec | RegularizerSpec):
        return
    least, most = part.ranks
    if not least <= rank <= most:
        axes = f"{least} axes or more" if most > least else f"{least} axes"
        raise ShapeError(
            f"{part.keras_name} is for tensors of {axes}, but this one has {rank}.", field
        )
