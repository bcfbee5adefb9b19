"""Keras's metrics of predicted classes."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from models.specs.metric import Direction, Encodings, MetricSpec
from models.specs.numbers import Flag, Fraction, Number, Positive

_Thresholds = Annotated[int, Field(strict=True, ge=2, le=10_000)]
_Top = Annotated[int, Field(strict=True, ge=1, le=1000)]
_Class = Annotated[int, Field(strict=True, ge=0, le=999)]


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
