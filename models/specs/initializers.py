"""How weights start: Keras's initializers, by name or as {"initializer": "RandomNormal", ...}.

No seed among the arguments: every initial weight derives from the experiment's own seed.
"""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from models.specs.names import ByName, Tagged, spellings
from models.specs.numbers import NonNegative, Number, Positive


class InitializerSpec(Tagged):
    """Any of them.

    Attributes:
        ranks: how many axes a weight may have that starts this way, least and most.
    """

    tag: ClassVar[str] = "initializer"
    ranks: ClassVar[tuple[int, int]] = (1, 8)


class Zeros(InitializerSpec):
    """All zero."""

    initializer: Literal["Zeros"] = "Zeros"


class Ones(InitializerSpec):
    """All one."""

    initializer: Literal["Ones"] = "Ones"


class Constant(InitializerSpec):
    """All the same."""

    initializer: Literal["Constant"] = "Constant"
    value: Number = 0.0


class Identity(InitializerSpec):
    """The identity matrix times `gain`; for weights of two axes."""

    ranks: ClassVar[tuple[int, int]] = (2, 2)
    initializer: Literal["Identity"] = "Identity"
    gain: Number = 1.0


class Orthogonal(InitializerSpec):
    """An orthogonal matrix times `gain`; for weights of two or more axes."""

    ranks: ClassVar[tuple[int, int]] = (2, 8)
    initializer: Literal["Orthogonal"] = "Orthogonal"
    gain: Number = 1.0


class GlorotNormal(InitializerSpec):
    """Truncated normal, variance 2 / (fan in + fan out)."""

    initializer: Literal["GlorotNormal"] = "GlorotNormal"


class GlorotUniform(InitializerSpec):
    """Uniform, variance 2 / (fan in + fan out)."""

    initializer: Literal["GlorotUniform"] = "GlorotUniform"


class HeNormal(InitializerSpec):
    """Truncated normal, variance 2 / fan in."""

    initializer: Literal["HeNormal"] = "HeNormal"


class HeUniform(InitializerSpec):
    """Uniform, variance 2 / fan in."""

    initializer: Literal["HeUniform"] = "HeUniform"


class LecunNormal(InitializerSpec):
    """Truncated normal, variance 1 / fan in."""

    initializer: Literal["LecunNormal"] = "LecunNormal"


class LecunUniform(InitializerSpec):
    """Uniform, variance 1 / fan in."""

    initializer: Literal["LecunUniform"] = "LecunUniform"


class RandomNormal(InitializerSpec):
    """Normal with this mean and deviation."""

    initializer: Literal["RandomNormal"] = "RandomNormal"
    mean: Number = 0.0
    stddev: NonNegative = 0.05


class RandomUniform(InitializerSpec):
    """Uniform between these."""

    initializer: Literal["RandomUniform"] = "RandomUniform"
    minval: Number = -0.05
    maxval: Number = 0.05


class TruncatedNormal(InitializerSpec):
    """Normal, drawn again beyond two deviations."""

    initializer: Literal["TruncatedNormal"] = "TruncatedNormal"
    mean: Number = 0.0
    stddev: NonNegative = 0.05


class VarianceScaling(InitializerSpec):
    """Variance `scale` / n, where `mode` says what n counts."""

    initializer: Literal["VarianceScaling"] = "VarianceScaling"
    scale: Positive = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    distribution: Literal["truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal"


AnyInitializer = (
    Zeros
    | Ones
    | Constant
    | Identity
    | Orthogonal
    | GlorotNormal
    | GlorotUniform
    | HeNormal
    | HeUniform
    | LecunNormal
    | LecunUniform
    | RandomNormal
    | RandomUniform
    | TruncatedNormal
    | VarianceScaling
)

Initializer = Annotated[
    AnyInitializer,
    Field(discriminator="initializer"),
    ByName("initializer", spellings(get_args(AnyInitializer))),
]
