"""What every layer has in common: a name, and a rule from input shape to output shape and weights.

Shapes never contain the batch axis; axes are counted as Keras counts them, where the batch is 0.
"""

from abc import abstractmethod
from dataclasses import dataclass
from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from models.specs.names import Tagged

Shape = tuple[int, ...]

Wants = Literal["any", "own", "features", "sequence", "image"]
"""What a layer can take: anything and changes no shape; anything, and what comes out is its own
business; a row of features (the last axis counts); (steps, channels); (height, width, channels)."""

LayerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]


class ShapeError(ValueError):
    """A layer cannot take its input.

    Attributes:
        field: the argument to blame, "kernel_size"; None when it is the layer as such.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Weight:
    """One variable of a layer.

    Attributes:
        role: "kernel" for what `kernel_initializer` and `kernel_regularizer` speak of.
    """

    role: str
    shape: Shape
    trainable: bool = True

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Built:
    """What a layer is once its input shape is known."""

    output_shape: Shape
    weights: tuple[Weight, ...] = ()


class LayerSpec(Tagged):
    """Any layer."""

    tag: ClassVar[str] = "layer"
    wants: ClassVar[Wants]

    layer: str  # here, so that it is written first
    name: LayerName | None = None
    """Unique in its network; "dense", "dense_1", ... when left out."""

    @property
    def has_kernel(self) -> bool:
        """Whether it has a kernel of its own to begin with, as Dense and full convolutions do."""
        return "kernel_initializer" in type(self).model_fields

    @abstractmethod
    def build(self, shape: Shape) -> Built:
        """Infer the output shape and the weights from the input shape.

        Raises:
            ShapeError: the layer cannot take this input.
        """


def weights(*candidates: Weight | None) -> tuple[Weight, ...]:
    """Drop the weights that a layer was told to do without."""
    return tuple(weight for weight in candidates if weight)


def spelled(shape: Shape) -> str:
    """Write a shape for a person: "(28, 28, 1)", "(784)"."""
    return f"({', '.join(map(str, shape))})"


def require_rank(layer: LayerSpec, shape: Shape) -> None:
    """Refuse an input that has too many or too few axes for an image or a sequence layer.

    Raises:
        ShapeError: with the Reshape that would mend it.
    """
    rank, axes = {"image": (3, "height, width, channels"), "sequence": (2, "steps, channels")}[
        layer.wants
    ]
    if len(shape) != rank:
        raise ShapeError(
            f"{layer.keras_name} needs an input of shape ({axes}), but gets {spelled(shape)}. "
            f"Add a Reshape layer to ({axes}) before it."
        )
