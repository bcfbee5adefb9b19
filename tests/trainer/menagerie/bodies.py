"""Networks up to their output layer, of every layer that a spec knows."""

from collections.abc import Callable
from typing import Any, get_args

import numpy as np

from models.specs.activations import ActivationName
from models.specs.initializers import AnyInitializer
from models.specs.layers.layer import Shape
from models.specs.names import tag_of
from tests.trainer.menagerie.deck import Deck

Fields = dict[str, Any]
Body = Callable[["Bodies"], list[Fields]]

_REGULARIZERS: tuple[Fields, ...] = (
    {},
    {},
    {"kernel_regularizer": "l1"},
    {"kernel_regularizer": {"regularizer": "L2", "l2": 0.05}, "bias_regularizer": "l2"},
    {"kernel_regularizer": {"regularizer": "L1L2", "l1": 0.001, "l2": 0.01}},
    {"activity_regularizer": {"regularizer": "L2", "l2": 0.003}},
)
# Only for kernels of two axes.
_ORTHOGONAL: tuple[Fields, ...] = tuple(
    {"kernel_regularizer": {"regularizer": "OrthogonalRegularizer", "mode": mode}}
    for mode in ("rows", "columns")
)
_CONSTRAINTS: tuple[Fields, ...] = (
    {},
    {},
    {},
    {"kernel_constraint": {"constraint": "MaxNorm", "max_value": 0.8}},
    {"kernel_constraint": {"constraint": "MinMaxNorm", "min_value": 0.5, "rate": 0.7}},
    {"kernel_constraint": "non_neg", "bias_constraint": "non_neg"},
    {"kernel_constraint": "unit_norm"},
)
_INITIALIZERS: tuple[Fields, ...] = tuple(
    {"kernel_initializer": tag_of(each)} for each in get_args(AnyInitializer)
)


class Bodies:
    """Deals bodies; what varies within them comes from decks too."""

    def __init__(self, chance: np.random.Generator) -> None:
        self._bodies = Deck(chance, _BODIES)
        self._activations = Deck(chance, get_args(ActivationName))
        self._initializers = Deck(chance, _INITIALIZERS)
        self._of_matrices = Deck(chance, _REGULARIZERS + _ORTHOGONAL)
        self._of_kernels = Deck(chance, _REGULARIZERS)
        self._constraints = Deck(chance, _CONSTRAINTS)
        self._units = Deck(chance, (2, 4, 8, 16, 33))  # of 1 an OrthogonalRegularizer is 0 / 0

    def deal(self) -> tuple[Shape, list[Fields]]:
        """The shape of a row, and layers for it."""
        shape, layers = self._bodies.deal()
        return shape, layers(self)

    def activation(self) -> str:
        """The name of one."""
        name: str = self._activations.deal()
        return name

    def dense(self, **fixed: Any) -> Fields:
        """A Dense layer, apart from what is fixed."""
        return {
            "layer": "Dense",
            "units": self._units.deal(),
            "activation": self.activation(),
            **self._initializers.deal(),
            **self._of_matrices.deal(),
            **self._constraints.deal(),
            **fixed,
        }

    def convolution(self, layer: str, **fixed: Any) -> Fields:
        """A convolution whose filters see all channels."""
        return {
            "layer": layer,
            "filters": 4,
            "kernel_size": 3,
            "activation": "relu",
            **self._of_kernels.deal(),
            **self._constraints.deal(),
            **fixed,
        }


def _channel_wise(layer: str, **fixed: Any) -> Fields:
    return {
        "layer": layer,
        "kernel_size": 3,
        "activation": "tanh",
        "depthwise_regularizer": "l2",
        "depthwise_constraint": {"constraint": "MaxNorm", "max_value": 1.0},
        **fixed,
    }


_BODIES: tuple[tuple[Shape, Body], ...] = (
    ((9,), lambda _: []),
    ((9,), lambda deal: [deal.dense()]),
    ((9,), lambda deal: [deal.dense(), deal.dense()]),
    ((5,), lambda deal: [deal.dense(), deal.dense(), deal.dense(), deal.dense()]),
    ((4, 3), lambda deal: [{"layer": "Flatten"}, deal.dense(), {"layer": "LeakyReLU"}]),
    ((6,), lambda deal: [deal.dense(), {"layer": "BatchNormalization"}, deal.dense()]),
    (
        (6,),
        lambda deal: [
            {"layer": "BatchNormalization", "momentum": 0.8, "scale": False},
            deal.dense(activation=None, use_bias=False),
            {"layer": "BatchNormalization", "center": False, "gamma_regularizer": "l2"},
            {"layer": "Activation", "activation": deal.activation()},
        ],
    ),
    ((6,), lambda deal: [deal.dense(), {"layer": "LayerNormalization"}, deal.dense()]),
    ((7,), lambda deal: [deal.dense(units=24), {"layer": "Dropout", "rate": 0.4}]),
    (
        (7,),
        lambda deal: [
            {"layer": "GaussianNoise", "stddev": 0.2},
            deal.dense(units=12),
            {"layer": "Dropout", "rate": 0.2},
            deal.dense(),
            {"layer": "Dropout", "rate": 0.5},
        ],
    ),
    (
        (12,),
        lambda deal: [
            {"layer": "Reshape", "target_shape": [4, 3]},
            deal.dense(),
            {"layer": "ELU"},
            {"layer": "GlobalAveragePooling1D"},
        ],
    ),
    (
        (12, 2),
        lambda deal: [
            deal.convolution("Conv1D", padding="causal", dilation_rate=2),
            {"layer": "MaxPooling1D"},
            {"layer": "Flatten"},
        ],
    ),
    (
        (12, 2),
        lambda deal: [
            deal.convolution("Conv1D", strides=2, padding="same"),
            {"layer": "AveragePooling1D", "pool_size": 2},
            {"layer": "GlobalAveragePooling1D"},
            deal.dense(),
        ],
    ),
    (
        (8, 8, 1),
        lambda deal: [
            {"layer": "Rescaling", "scale": 0.5, "offset": 0.1},
            deal.convolution("Conv2D"),
            {"layer": "MaxPooling2D"},
            {"layer": "Flatten"},
            deal.dense(),
        ],
    ),
    (
        (8, 8, 2),
        lambda deal: [
            deal.convolution("Conv2D", strides=2, padding="same"),
            {"layer": "BatchNormalization"},
            {"layer": "GlobalAveragePooling2D"},
        ],
    ),
    (
        (6, 6, 2),
        lambda _: [
            {"layer": "ZeroPadding2D"},
            _channel_wise("SeparableConv2D", filters=5),
            {"layer": "AveragePooling2D", "pool_size": 2},
            {"layer": "Dropout", "rate": 0.3},
            {"layer": "Flatten"},
        ],
    ),
    (
        (6, 6, 2),
        lambda _: [
            _channel_wise("DepthwiseConv2D", depth_multiplier=2),
            {"layer": "LayerNormalization", "axis": [1, 2, 3]},
            {"layer": "GlobalMaxPooling2D"},
        ],
    ),
)
