"""The `fit` part of an experiment spec: how long, in what batches, and when to stop.

As in keras.Model.fit and its callbacks EarlyStopping and ReduceLROnPlateau.
"""

from math import floor
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Discriminator, Field, Tag, model_validator

from models.specs.base import Spec
from models.specs.numbers import Flag, NonNegative, Number
from models.specs.schedules import MAX_LEARNING_RATE

MAX_EPOCHS = 100_000
MAX_BATCH_SIZE = 1_000_000

Monitor = Annotated[str, Field(min_length=1, max_length=70)]
Epochs = Annotated[int, Field(strict=True, ge=0, le=MAX_EPOCHS)]
Mode = Literal["auto", "min", "max"]


class EarlyStopping(Spec):
    """Stop when the monitored metric has not improved for `patience` epochs."""

    monitor: Monitor = "val_loss"
    min_delta: NonNegative = 0.0
    patience: Epochs = 2
    mode: Mode = "auto"
    baseline: Number | None = None
    restore_best_weights: Flag = True
    start_from_epoch: Epochs = 0


class ReduceLROnPlateau(Spec):
    """Multiply the learning rate by `factor` when the metric has not improved for a while."""

    monitor: Monitor = "val_loss"
    factor: Annotated[Number, Field(gt=0, lt=1)] = 0.1
    patience: Epochs = 10
    mode: Mode = "auto"
    min_delta: NonNegative = 1e-4
    cooldown: Epochs = 0
    min_lr: Annotated[Number, Field(ge=0, le=MAX_LEARNING_RATE)] = 0.0


ClassWeights = Annotated[
    dict[Annotated[str, Field(max_length=200)], NonNegative], Field(min_length=1, max_length=1000)
]


def _kind(value: object) -> str:
    """Tell weights from "balanced". The tags appear in error locations, hence their blanks."""
    return "a weight a class" if isinstance(value, dict) else "a rule"


class SplitRows(NamedTuple):
    """How many rows there are of each kind."""

    training: int
    validation: int


class FitSpec(Spec):
    """One training."""

    epochs: Annotated[int, Field(strict=True, ge=1, le=MAX_EPOCHS)] = 20
    batch_size: Annotated[int, Field(strict=True, ge=1, le=MAX_BATCH_SIZE)] = 32
    validation_split: Annotated[Number, Field(ge=0, lt=1)] = 0.3
    split: Literal["shuffled", "last"] = "shuffled"
    """Which rows validate: chosen by a seeded shuffle, class by class, or the last ones (Keras)."""
    shuffle: Flag = True
    """Whether the training rows come in another order every epoch."""
    class_weight: (
        Annotated[
            Annotated[ClassWeights, Tag("a weight a class")]
            | Annotated[Literal["balanced"], Tag("a rule")],
            Discriminator(_kind),
        ]
        | None
    ) = None
    """How much a row of a class counts in the loss, by label, 1 where not given; "balanced": in
    inverse proportion to the rows of the class."""
    early_stopping: EarlyStopping | None = EarlyStopping()
    """When left out: on val_loss with patience 2, if there are validation rows."""
    reduce_lr_on_plateau: ReduceLROnPlateau | None = None

    @model_validator(mode="before")
    @classmethod
    def _nothing_to_stop_by(cls, fields: Any) -> Any:
        """Drop the default for early stopping where there are no validation rows to stop by."""
        if isinstance(fields, dict) and fields.get("validation_split") == 0:
            return {"early_stopping": None, **fields}
        return fields

    def split_rows(self, rows: int) -> SplitRows:
        """Count training and validation rows, as Keras's validation_split does."""
        training = floor(rows * (1.0 - self.validation_split))
        return SplitRows(training, rows - training)
