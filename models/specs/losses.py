"""What is made small: Keras's losses for classes and for numbers, by name or configured.

{"loss": "Huber", "delta": 2.0}; "auto" leaves the choice to the target.
"""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from models.specs.data import Task
from models.specs.names import ByName, Fields, Tagged, spellings, tag_of
from models.specs.numbers import Flag, Fraction, NonNegative, Number, Positive

Encoding = Literal["sparse", "one_hot", "binary", "number"]
"""How the service writes the target for a loss: the class's number, int (rows,); one column a
class, float (rows, classes); 0 or 1, float (rows, 1); the numbers themselves, float
(rows, outputs)."""


class LossSpec(Tagged):
    """Any of them.

    Attributes:
        encoding: how it wants the target.
        activations: what the last layer may end in, first the usual one; empty: no matter.
    """

    tag: ClassVar[str] = "loss"
    encoding: ClassVar[Encoding]
    activations: ClassVar[tuple[str, ...]] = ()

    @property
    def task(self) -> Task:
        """What kind of target this loss is for."""
        return "regression" if self.encoding == "number" else "classification"

    @property
    def of_probabilities(self) -> bool:
        """Whether the network's outputs are probabilities when this loss is right for it."""
        return self.accepted_activations[:1] in {("softmax",), ("sigmoid",)}

    @property
    def accepted_activations(self) -> tuple[str, ...]:
        """What the last layer may end in, given the arguments; empty: no matter."""
        return ("linear",) if getattr(self, "from_logits", False) else self.activations


class Auto(LossSpec):
    """To be resolved by the target: see models.meaning.output."""

    loss: Literal["auto"] = "auto"


class SparseCategoricalCrossentropy(LossSpec):
    """-log of the probability given to the right class."""

    encoding: ClassVar[Encoding] = "sparse"
    activations: ClassVar[tuple[str, ...]] = ("softmax",)
    loss: Literal["SparseCategoricalCrossentropy"] = "SparseCategoricalCrossentropy"
    from_logits: Flag = False


class CategoricalGeneralizedCrossEntropy(LossSpec):
    """(1 - p^q) / q: forgives wrong labels."""

    encoding: ClassVar[Encoding] = "sparse"
    activations: ClassVar[tuple[str, ...]] = ("softmax",)
    loss: Literal["CategoricalGeneralizedCrossEntropy"] = "CategoricalGeneralizedCrossEntropy"
    q: Annotated[Number, Field(gt=0, lt=1)] = 0.5


class CategoricalCrossentropy(LossSpec):
    """The same as the sparse one, from one column a class; labels may be smoothed."""

    encoding: ClassVar[Encoding] = "one_hot"
    activations: ClassVar[tuple[str, ...]] = ("softmax",)
    loss: Literal["CategoricalCrossentropy"] = "CategoricalCrossentropy"
    from_logits: Flag = False
    label_smoothing: Fraction = 0.0


class CategoricalFocalCrossentropy(LossSpec):
    """Cross-entropy that counts easy rows less."""

    encoding: ClassVar[Encoding] = "one_hot"
    activations: ClassVar[tuple[str, ...]] = ("softmax",)
    loss: Literal["CategoricalFocalCrossentropy"] = "CategoricalFocalCrossentropy"
    alpha: Fraction = 0.25
    gamma: NonNegative = 2.0
    from_logits: Flag = False
    label_smoothing: Fraction = 0.0


class KLDivergence(LossSpec):
    """How far one distribution is from the other."""

    encoding: ClassVar[Encoding] = "one_hot"
    activations: ClassVar[tuple[str, ...]] = ("softmax",)
    loss: Literal["KLDivergence"] = "KLDivergence"


class CategoricalHinge(LossSpec):
    """The margin between the right class and the best wrong one."""

    encoding: ClassVar[Encoding] = "one_hot"
    activations: ClassVar[tuple[str, ...]] = ("linear", "softmax", "tanh")
    loss: Literal["CategoricalHinge"] = "CategoricalHinge"


class BinaryCrossentropy(LossSpec):
    """-log of the probability given to the right one of two classes."""

    encoding: ClassVar[Encoding] = "binary"
    activations: ClassVar[tuple[str, ...]] = ("sigmoid", "hard_sigmoid")
    loss: Literal["BinaryCrossentropy"] = "BinaryCrossentropy"
    from_logits: Flag = False
    label_smoothing: Fraction = 0.0


class BinaryFocalCrossentropy(LossSpec):
    """Binary cross-entropy that counts easy rows less."""

    encoding: ClassVar[Encoding] = "binary"
    activations: ClassVar[tuple[str, ...]] = ("sigmoid", "hard_sigmoid")
    loss: Literal["BinaryFocalCrossentropy"] = "BinaryFocalCrossentropy"
    apply_class_balancing: Flag = False
    alpha: Fraction = 0.25
    gamma: NonNegative = 2.0
    from_logits: Flag = False
    label_smoothing: Fraction = 0.0


class Hinge(LossSpec):
    """The margin of one of two classes; Keras reads 0 as -1."""

    encoding: ClassVar[Encoding] = "binary"
    activations: ClassVar[tuple[str, ...]] = ("tanh", "linear", "softsign", "hard_tanh")
    loss: Literal["Hinge"] = "Hinge"


class SquaredHinge(LossSpec):
    """The margin of one of two classes, squared; Keras reads 0 as -1."""

    encoding: ClassVar[Encoding] = "binary"
    activations: ClassVar[tuple[str, ...]] = ("tanh", "linear", "softsign", "hard_tanh")
    loss: Literal["SquaredHinge"] = "SquaredHinge"


class MeanSquaredError(LossSpec):
    """The mean of squared differences."""

    encoding: ClassVar[Encoding] = "number"
    loss: Literal["MeanSquaredError"] = "MeanSquaredError"


class MeanAbsoluteError(LossSpec):
    """The mean of absolute differences."""

    encoding: ClassVar[Encoding] = "number"
    loss: Literal["MeanAbsoluteError"] = "MeanAbsoluteError"


class MeanAbsolutePercentageError(LossSpec):
    """The mean of absolute differences, in per cent of the target."""

    encoding: ClassVar[Encoding] = "number"
    loss: Literal["MeanAbsolutePercentageError"] = "MeanAbsolutePercentageError"


class MeanSquaredLogarithmicError(LossSpec):
    """The mean of squared differences of log(1 + x); for targets from 0."""

    encoding: ClassVar[Encoding] = "number"
    loss: Literal["MeanSquaredLogarithmicError"] = "MeanSquaredLogarithmicError"


class Huber(LossSpec):
    """Squared below `delta`, straight above: outliers count less."""

    encoding: ClassVar[Encoding] = "number"
    loss: Literal["Huber"] = "Huber"
    delta: Positive = 1.0


class LogCosh(LossSpec):
    """log cosh of the difference: about half its square, straight for outliers."""

    encoding: ClassVar[Encoding] = "number"
    loss: Literal["LogCosh"] = "LogCosh"


class CosineSimilarity(LossSpec):
    """Minus the cosine between target and output; for several outputs."""

    encoding: ClassVar[Encoding] = "number"
    loss: Literal["CosineSimilarity"] = "CosineSimilarity"


class Poisson(LossSpec):
    """Output - target x log(output); for counts."""

    encoding: ClassVar[Encoding] = "number"
    activations: ClassVar[tuple[str, ...]] = ("softplus", "exponential", "relu", "sigmoid")
    loss: Literal["Poisson"] = "Poisson"


AnyLoss = (
    Auto
    | SparseCategoricalCrossentropy
    | CategoricalGeneralizedCrossEntropy
    | CategoricalCrossentropy
    | CategoricalFocalCrossentropy
    | KLDivergence
    | CategoricalHinge
    | BinaryCrossentropy
    | BinaryFocalCrossentropy
    | Hinge
    | SquaredHinge
    | MeanSquaredError
    | MeanAbsoluteError
    | MeanAbsolutePercentageError
    | MeanSquaredLogarithmicError
    | Huber
    | LogCosh
    | CosineSimilarity
    | Poisson
)

_MEMBERS: tuple[type[LossSpec], ...] = get_args(AnyLoss)
_SHORT = {
    "bce": "BinaryCrossentropy",
    "kld": "KLDivergence",
    "mse": "MeanSquaredError",
    "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError",
    "msle": "MeanSquaredLogarithmicError",
}
_NAMES: dict[str, Fields] = {
    **spellings(_MEMBERS),
    **{short: {"loss": full} for short, full in _SHORT.items()},
    **{short.upper(): {"loss": full} for short, full in _SHORT.items()},
}

Loss = Annotated[
    AnyLoss,
    Field(discriminator="loss"),
    ByName("loss", _NAMES),
]


def losses_for(task: Task) -> tuple[str, ...]:
    """List the losses for a kind of target, by Keras's lower-case names, for error messages."""
    return tuple(
        name
        for member in _MEMBERS
        if member is not Auto and (member.encoding == "number") == (task == "regression")
        for name in spellings([member])
        if name != tag_of(member)
    )
