"""Keras's metrics of predicted numbers."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from models.specs.metric import Direction, Encodings, MetricSpec


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
