"""The `network` part of an experiment spec: layers in order, as in a keras.Sequential."""

from typing import Annotated, Literal

from pydantic import Field

from models.specs.base import Spec
from models.specs.layers.convolution import Conv1D, Conv2D, DepthwiseConv2D, SeparableConv2D
from models.specs.layers.core import (
    ELU,
    Activation,
    Dense,
    Flatten,
    LeakyReLU,
    Rescaling,
    Reshape,
    ZeroPadding2D,
)
from models.specs.layers.noise import Dropout, GaussianNoise
from models.specs.layers.normalization import BatchNormalization, LayerNormalization
from models.specs.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)

MAX_LAYERS = 1000

AnyLayer = (
    Dense
    | Activation
    | LeakyReLU
    | ELU
    | Dropout
    | GaussianNoise
    | BatchNormalization
    | LayerNormalization
    | Flatten
    | Reshape
    | Rescaling
    | Conv1D
    | Conv2D
    | SeparableConv2D
    | DepthwiseConv2D
    | MaxPooling1D
    | MaxPooling2D
    | AveragePooling1D
    | AveragePooling2D
    | GlobalAveragePooling1D
    | GlobalAveragePooling2D
    | GlobalMaxPooling2D
    | ZeroPadding2D
)

Layer = Annotated[AnyLayer, Field(discriminator="layer")]


class NetworkSpec(Spec):
    """A Keras network, layer by layer. Names and arguments are Keras's own."""

    layers: Annotated[tuple[Layer, ...], Field(max_length=MAX_LAYERS)]
    """May be empty with output "auto": then the network is a linear one."""
    output: Literal["auto", "given"] = "auto"
    """"auto" appends the layer that target and loss need; "given": the last of `layers` is it."""
