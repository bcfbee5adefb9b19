"""What is known of a dataset once it has been read: enough to check a spec against it.

The profile is made by ingest, stored with the dataset and shown to clients. Specs are validated
against it, so a mistake is found at POST and not in a worker.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# More classes than this in one target is a number or an identifier, not a label; ImageNet has 1000.
MAX_CLASSES = 1000


class ProfileModel(BaseModel):
    """A frozen part of a profile."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class ValueCount(ProfileModel):
    """How many rows hold one value."""

    value: str
    rows: int


class Warned(ProfileModel):
    """Something about the data that a person should look at before training on it."""

    code: Literal[
        "constant_column",
        "id_like_column",
        "predicts_target",
        "many_missing",
        "imbalance",
        "no_header",
    ]
    column: str | None
    message: str


class Column(ProfileModel):
    """One column of a table.

    Attributes:
        type: "number" (integers included), "boolean", or "text" (dates included).
        missing: rows without a value.
        distinct: how many different values there are, missing ones not counted.
        minimum, maximum, mean, standard_deviation: of the present values; None for text.
        top: every value with its rows, most frequent first, for columns that can be a class label
            (text, booleans, and integers with few distinct values); empty for all others.
        integral: every present value is a whole number.
    """

    name: str
    type: Literal["number", "boolean", "text"]
    missing: int
    distinct: int
    integral: bool = False
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    standard_deviation: float | None = None
    top: tuple[ValueCount, ...] = ()


class TableProfile(ProfileModel):
    """A table of named columns."""

    kind: Literal["table"] = "table"
    rows: int
    columns: tuple[Column, ...]
    target: str | None = None
    """The column that is the target unless a spec names another (set for built-in tables)."""
    warnings: tuple[Warned, ...] = ()


class ArrayProfile(ProfileModel):
    """Arrays of equal length: x, and y to predict from it.

    Attributes:
        x_shape: the shape of one row of x, without the batch: (8, 8) or (28, 28, 1).
        x_dtype, y_dtype: numpy names, "uint8", "float32", "int64", "str".
        y_shape: the shape of one row of y; () for a plain label or number.
        classes: the labels with their counts, sorted by label; empty when y is not a label.
        minimum, maximum: over all of x.
        y_minimum, y_maximum, y_standard_deviation: over all of y when it holds numbers.
    """

    kind: Literal["arrays"] = "arrays"
    rows: int
    x_shape: tuple[int, ...]
    x_dtype: str
    y_shape: tuple[int, ...]
    y_dtype: str
    y_integral: bool
    classes: tuple[ValueCount, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    y_minimum: float | None = None
    y_maximum: float | None = None
    y_standard_deviation: float | None = None
    test_rows: int = 0
    """Rows kept apart as x_test and y_test; never trained on."""
    warnings: tuple[Warned, ...] = ()


DatasetProfile = Annotated[TableProfile | ArrayProfile, Field(discriminator="kind")]
