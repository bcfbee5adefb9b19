"""The `data` part of an experiment spec: which rows, what to predict, how to prepare the inputs."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.specs.base import Spec

Cell = float | int | bool | str | None
Task = Literal["classification", "regression"]

# Rows in the request itself are for trying things out; larger data is uploaded once.
MAX_INLINE_ROWS = 10_000


class InlineTable(Spec):
    """A small table in the request itself."""

    columns: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
        Field(min_length=2, max_length=1000),
    ]
    rows: Annotated[tuple[tuple[Cell, ...], ...], Field(min_length=2, max_length=MAX_INLINE_ROWS)]

    @model_validator(mode="before")
    @classmethod
    def _one_object(cls, given: object) -> object:
        if isinstance(given, list | tuple):
            raise ValueError(  # noqa: TRY004 - what pydantic listens for
                'give one object with the names once: {"columns": ["a", "b"], '
                '"rows": [[1, 2], [3, 4]]}'
            )
        return given


class DataSpec(Spec):
    """Which rows to train on and how."""

    dataset: Annotated[str, Field(max_length=100, examples=["builtin:digits"])] | None = None
    """The id of an uploaded dataset, or the name of a built-in one ("builtin:digits")."""
    inline: InlineTable | None = None
    """A small table instead of `dataset`."""
    target: Annotated[str, Field(max_length=200)] | None = None
    """The column to predict. Array and image datasets have one already."""
    predictors: Annotated[tuple[str, ...], Field(min_length=1, max_length=10_000)] | None = None
    """The columns to predict from; every column but the target when left out."""
    task: Task | None = None
    """Inferred from the target when left out."""
    scaling: Literal["auto", "standard", "minmax", "none"] = "auto"
    """Zero mean and unit variance a column, [0, 1] a column, or as it is; fitted on the training
    rows. "auto" is "standard" for tables and for arrays whose rows are plain lists of numbers;
    arrays of bytes are divided by 255, other arrays by the training rows' largest absolute value
    if it is above 1. In arrays whose rows have several axes all values share one scale."""
    missing: Literal["impute", "drop", "refuse"] = "impute"
    """Missing cells among the predictors: filled with the training rows' mean (numbers) or an own
    category (text), rows dropped, or the experiment refused. Rows without a target are dropped."""

    @model_validator(mode="after")
    def _one_source(self) -> "DataSpec":
        if (self.dataset is None) == (self.inline is None):
            raise ValueError("give either dataset (an id or builtin:name) or inline rows")
        return self
