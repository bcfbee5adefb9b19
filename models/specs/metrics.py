"""What is reported beside the loss: Keras's metrics for classes and for numbers.

By name ("accuracy", "mae"), or configured: {"metric": "AUC", "curve": "PR", "name": "pr"}. The name
is the key of an epoch's row; written as a name, that very spelling is it, as in Keras.

Left out, because they do not give one number for a row of these tasks: intersection over union
(segmentation), Mean and Sum (of nothing in particular), and the correlations, which Keras takes
over the outputs of each row.
"""

from typing import Annotated, get_args

from pydantic import Field

from models.specs.class_metrics import (
    AUC,
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    CategoricalHinge,
    F1Score,
    FalseNegatives,
    FalsePositives,
    FBetaScore,
    Hinge,
    KLDivergence,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SpecificityAtSensitivity,
    SquaredHinge,
    TopKCategoricalAccuracy,
    TrueNegatives,
    TruePositives,
)
from models.specs.losses import Encoding
from models.specs.metric import MetricSpec
from models.specs.names import ByName, Fields, snake_case, tag_of
from models.specs.number_metrics import (
    CosineSimilarity,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    R2Score,
    RootMeanSquaredError,
)

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
