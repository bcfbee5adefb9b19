"""What is reported beside the loss: Keras's metrics for classes and for numbers.

By name ("accuracy", "mae"), or configured: {"metric": "AUC", "curve": "PR", "name": "pr"}. The name
is the key of an epoch's row; written as a name, that very spelling is it, as in Keras.

Left out, because they do not give one number for a row of these tasks: intersection over union
(segmentation), Mean and Sum (of nothing in particular), and the correlations, which Keras takes
over the outputs of each row.
"""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from models.specs.data import Task
from models.specs.losses import Encoding
from models.specs.names import ByName, Fields, Tagged, snake_case, tag_of
from models.specs.numbers import Flag, Fraction, Number, Positive

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

_Thresholds = Annotated[int, Field(strict=True, ge=2, le=10_000)]
_Top = Annotated[int, Field(strict=True, ge=1, le=1000)]
_Class = Annotated[int, Field(strict=True, ge=0, le=999)]


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


class Accuracy(MetricSpec):
    """The fraction of rows whose class is right, whichever way the target is written."""

    encodings: ClassVar[Encodings] = ("sparse", "one_hot", "binary")
    direction: ClassVar[Direction | None] = "up"
    metric: Literal["Accuracy"] = "Accuracy"


class SparseCategoricalAccuracy(MetricSpec):
    """Accuracy from class numbers."""

    encodings: ClassVar[Encodings] = ("sparse",)
    direction: ClassVar[Direction | None] = "up"
    metric: Literal["SparseCategoricalAccuracy"] = "SparseCategoricalAccuracy"


class SparseTopKCategoricalAccuracy(MetricSpec):
    """How often the right class is among the `k` most likely ones, from class numbers."""

    encodings: ClassVar[Encodings] = ("sparse",)
    direction: ClassVar[Direction | None] = "up"
    metric: Literal["SparseTopKCategoricalAccuracy"] = "SparseTopKCategoricalAccuracy"
    k: _Top = 5


class SparseCategoricalCrossentropy(MetricSpec):
    """The loss of the same name, without penalties, from class numbers."""

    of_probabilities: ClassVar[bool] = True
    encodings: ClassVar[Encodings] = ("sparse",)
    direction: ClassVar[Direction | None] = "down"
    metric: Literal["SparseCategoricalCrossentropy"] = "SparseCategoricalCrossentropy"
    from_logits: Flag = False


class CategoricalAccuracy(MetricSpec):
    """Accuracy from one column a class."""

    encodings: ClassVar[Encodings] = ("one_hot",)
    direction: ClassVar[Direction | None] = "up"
    metric: Literal["CategoricalAccuracy"] = "CategoricalAccuracy"


class TopKCategoricalAccuracy(MetricSpec):
    """How often the right class is among the `k` most likely ones, from one column a class."""

    encodings: ClassVar[Encodings] = ("one_hot",)
    direction: ClassVar[Direction | None] = "up"
    metric: Literal["TopKCategoricalAccuracy"] = "TopKCategoricalAccuracy"
    k: _Top = 5


class CategoricalCrossentropy(MetricSpec):
    """The loss of the same name, without penalties, from one column a class."""

    of_probabilities: ClassVar[bool] = True
    encodings: ClassVar[Encodings] = ("one_hot",)
    direction: ClassVar[Direction | None] = "down"
    metric: Literal["CategoricalCrossentropy"] = "CategoricalCrossentropy"
    from_logits: Flag = False
    label_smoothing: Fraction = 0.0


class CategoricalHinge(MetricSpec):
    """The loss of the same name, without penalties."""

    encodings: ClassVar[Encodings] = ("one_hot",)
    direction: ClassVar[Direction | None] = "down"
    metric: Literal["CategoricalHinge"] = "CategoricalHinge"


class KLDivergence(MetricSpec):
    """The loss of the same name, without penalties."""

    of_probabilities: ClassVar[bool] = True
    encodings: ClassVar[Encodings] = ("one_hot",)
    direction: ClassVar[Direction | None] = "down"
    metric: Literal["KLDivergence"] = "KLDivergence"


class BinaryAccuracy(MetricSpec):
    """The fraction of outputs on the right side of `threshold`."""

    of_probabilities: ClassVar[bool] = True
    encodings: ClassVar[Encodings] = ("binary", "one_hot")
    direction: ClassVar[Direction | None] = "up"
    metric: Literal["BinaryAccuracy"] = "BinaryAccuracy"
    threshold: Fraction = 0.5


class BinaryCrossentropy(MetricSpec):
    """The loss of the same name, without penalties."""

    of_probabilities: ClassVar[bool] = True
    encodings: ClassVar[Encodings] = ("binary",)
    direction: ClassVar[Direction | None] = "down"
    metric: Literal["BinaryCrossentropy"] = "BinaryCrossentropy"
    from_logits: Flag = False
    label_smoothing: Fraction = 0.0


class Hinge(MetricSpec):
    """The loss of the same name, without penalties."""

    encodings: ClassVar[Encodings] = ("binary",)
    direction: ClassVar[Direction | None] = "down"
    metric: Literal["Hinge"] = "Hinge"


class SquaredHinge(MetricSpec):
    """The loss of the same name, without penalties."""

    encodings: ClassVar[Encodings] = ("binary",)
    direction: ClassVar[Direction | None] = "down"
    metric: Literal["SquaredHinge"] = "SquaredHinge"


class AUC(MetricSpec):
    """The area under the ROC or the precision-recall curve."""

    of_probabilities: ClassVar[bool] = True
    encodings: ClassVar[Encodings] = ("binary", "one_hot")
    direction: ClassVar[Direction | None] = "up"
    metric: Literal["AUC"] = "AUC"
    num_thresholds: _Thresholds = 200
    curve: Literal["ROC", "PR"] = "ROC"
    summation_method: Literal["interpolation", "majoring", "minoring"] = "interpolation"
    from_logits: Flag = False


class OneClass(MetricSpec):
    """A metric that may look at one class only: `class_id` counts from 0."""

    of_probabilities: ClassVar[bool] = True
    encodings: ClassVar[Encodings] = ("binary", "one_hot")
    class_id: _Class | None = None


class Precision(OneClass):
    """The part of the positive predictions that is right."""

    direction: ClassVar[Direction | None] = "up"
    metric: Literal["Precision"] = "Precision"
    thresholds: Fraction | None = None
    top_k: _Top | None = None


class Recall(OneClass):
    """The part of the positive rows that is found."""

    direction: ClassVar[Direction | None] = "up"
    metric: Literal["Recall"] = "Recall"
    thresholds: Fraction | None = None
    top_k: _Top | None = None


class PrecisionAtRecall(OneClass):
    """The best precision at this recall."""

    direction: ClassVar[Direction | None] = "up"
    metric: Literal["PrecisionAtRecall"] = "PrecisionAtRecall"
    recall: Fraction
    num_thresholds: _Thresholds = 200


class RecallAtPrecision(OneClass):
    """The best recall at this precision."""

    direction: ClassVar[Direction | None] = "up"
    metric: Literal["RecallAtPrecision"] = "RecallAtPrecision"
    precision: Fraction
    num_thresholds: _Thresholds = 200


class SensitivityAtSpecificity(OneClass):
    """The best sensitivity at this specificity."""

    direction: ClassVar[Direction | None] = "up"
    metric: Literal["SensitivityAtSpecificity"] = "SensitivityAtSpecificity"
    specificity: Fraction
    num_thresholds: _Thresholds = 200


class SpecificityAtSensitivity(OneClass):
    """The best specificity at this sensitivity."""

    direction: ClassVar[Direction | None] = "up"
    metric: Literal["SpecificityAtSensitivity"] = "SpecificityAtSensitivity"
    sensitivity: Fraction
    num_thresholds: _Thresholds = 200


class Counted(MetricSpec):
    """A count of rows."""

    of_probabilities: ClassVar[bool] = True
    encodings: ClassVar[Encodings] = ("binary", "one_hot")
    thresholds: Fraction | None = None


class TruePositives(Counted):
    """Positive, and predicted so."""

    metric: Literal["TruePositives"] = "TruePositives"


class TrueNegatives(Counted):
    """Negative, and predicted so."""

    metric: Literal["TrueNegatives"] = "TrueNegatives"


class FalsePositives(Counted):
    """Negative, but predicted positive."""

    metric: Literal["FalsePositives"] = "FalsePositives"


class FalseNegatives(Counted):
    """Positive, but predicted negative."""

    metric: Literal["FalseNegatives"] = "FalseNegatives"


class FScore(MetricSpec):
    """Precision and recall in one number.

    Keras's own default gives one number a class, which a row of metrics cannot hold; here it is
    their mean.
    """

    encodings: ClassVar[Encodings] = ("one_hot",)
    direction: ClassVar[Direction | None] = "up"
    average: Literal["micro", "macro", "weighted"] = "macro"
    threshold: Annotated[Number, Field(gt=0, le=1)] | None = None


class F1Score(FScore):
    """Their harmonic mean."""

    metric: Literal["F1Score"] = "F1Score"


class FBetaScore(FScore):
    """Their weighted harmonic mean; above 1, `beta` favours recall."""

    usual_name: ClassVar[str | None] = "fbeta_score"
    metric: Literal["FBetaScore"] = "FBetaScore"
    beta: Positive = 1.0


class Numeric(MetricSpec):
    """A metric of predicted numbers."""

    encodings: ClassVar[Encodings] = ("number",)
    direction: ClassVar[Direction | None] = "down"


class MeanSquaredError(Numeric):
    """The mean of squared differences."""

    metric: Literal["MeanSquaredError"] = "MeanSquaredError"


class RootMeanSquaredError(Numeric):
    """Its root, in the unit of the target."""

    metric: Literal["RootMeanSquaredError"] = "RootMeanSquaredError"


class MeanAbsoluteError(Numeric):
    """The mean of absolute differences."""

    metric: Literal["MeanAbsoluteError"] = "MeanAbsoluteError"


class MeanAbsolutePercentageError(Numeric):
    """The mean of absolute differences, in per cent of the target."""

    metric: Literal["MeanAbsolutePercentageError"] = "MeanAbsolutePercentageError"


class MeanSquaredLogarithmicError(Numeric):
    """The mean of squared differences of log(1 + x)."""

    metric: Literal["MeanSquaredLogarithmicError"] = "MeanSquaredLogarithmicError"


class LogCoshError(Numeric):
    """log cosh of the difference."""

    usual_name: ClassVar[str | None] = "logcosh"
    metric: Literal["LogCoshError"] = "LogCoshError"


class Poisson(Numeric):
    """The loss of the same name, without penalties."""

    metric: Literal["Poisson"] = "Poisson"


class CosineSimilarity(Numeric):
    """The cosine between target and output; for several outputs."""

    direction: ClassVar[Direction | None] = "up"
    metric: Literal["CosineSimilarity"] = "CosineSimilarity"


class R2Score(Numeric):
    """The part of the target's variance that is explained."""

    direction: ClassVar[Direction | None] = "up"
    metric: Literal["R2Score"] = "R2Score"
    class_aggregation: Literal["uniform_average", "variance_weighted_average"] = "uniform_average"
    num_regressors: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0


AnyMetric = (
    Accuracy
    | SparseCategoricalAccuracy
    | SparseTopKCategoricalAccuracy
    | SparseCategoricalCrossentropy
    | CategoricalAccuracy
    | TopKCategoricalAccuracy
    | CategoricalCrossentropy
    | CategoricalHinge
    | KLDivergence
    | BinaryAccuracy
    | BinaryCrossentropy
    | Hinge
    | SquaredHinge
    | AUC
    | Precision
    | Recall
    | PrecisionAtRecall
    | RecallAtPrecision
    | SensitivityAtSpecificity
    | SpecificityAtSensitivity
    | TruePositives
    | TrueNegatives
    | FalsePositives
    | FalseNegatives
    | F1Score
    | FBetaScore
    | MeanSquaredError
    | RootMeanSquaredError
    | MeanAbsoluteError
    | MeanAbsolutePercentageError
    | MeanSquaredLogarithmicError
    | LogCoshError
    | Poisson
    | CosineSimilarity
    | R2Score
)

_MEMBERS: tuple[type[MetricSpec], ...] = get_args(AnyMetric)
_SHORT: dict[str, type[MetricSpec]] = {
    "acc": Accuracy,
    "bce": BinaryCrossentropy,
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError,
}
_BY_SPELLING: dict[str, type[MetricSpec]] = {
    **{snake_case(tag_of(member)): member for member in _MEMBERS},
    **{tag_of(member): member for member in _MEMBERS},
    **_SHORT,
    **{short.upper(): member for short, member in _SHORT.items() if member is not Accuracy},
}


def _named(spelling: str, member: type[MetricSpec]) -> Fields:
    """Return what a bare name stands for: Keras keeps the spelling as the name in the logs."""
    usual = member.usual_name or snake_case(tag_of(member))
    return {"metric": tag_of(member)} | ({} if spelling == usual else {"name": spelling})


Metric = Annotated[
    AnyMetric,
    Field(discriminator="metric"),
    ByName("metric", {name: _named(name, member) for name, member in _BY_SPELLING.items()}),
]


def metrics_for(encoding: Encoding) -> tuple[str, ...]:
    """List the metrics for a way of writing the target, by Keras's lower-case names."""
    return tuple(snake_case(tag_of(member)) for member in _MEMBERS if encoding in member.encodings)
