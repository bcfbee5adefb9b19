"""What every metric says of itself: how it reads the target, which way is better, its name."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from models.specs.data import Task
from models.specs.losses import Encoding
from models.specs.names import Tagged, snake_case

Direction = Literal["up", "down"]
Encodings = tuple[Encoding, ...]


def _not_reserved(name: str) -> str:
    """Refuse what an epoch's row has anyway, and what reads as a validation metric."""
    if name in {"loss", "learning_rate"} or name.startswith("val_"):
        raise PydanticCustomError(
            "reserved_name", '"{name}" has a meaning of its own; choose another', {"name": name}
        )
    return name


MetricName = Annotated[
    str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64), AfterValidator(_not_reserved)
]


class MetricSpec(Tagged):
    """Any of them.

    Attributes:
        encodings: the ways of writing the target that it can be computed from.
        direction: which way is better, as Keras knows it; None where Keras does not.
        usual_name: what Keras calls it when nobody says otherwise.
        of_probabilities: it compares outputs with thresholds or takes their logarithms, so they
            must be probabilities.
    """

    tag: ClassVar[str] = "metric"
    encodings: ClassVar[Encodings]
    direction: ClassVar[Direction | None] = None
    usual_name: ClassVar[str | None] = None
    of_probabilities: ClassVar[bool] = False

    metric: str  # here, so that it is written first
    name: MetricName | None = None

    @property
    def log_name(self) -> str:
        """The key of this metric in an epoch's row."""
        return self.name or self.usual_name or snake_case(self.keras_name)

    @property
    def tasks(self) -> frozenset[Task]:
        """The kinds of target it can be computed for."""
        return frozenset(
            "regression" if encoding == "number" else "classification"
            for encoding in self.encodings
        )
