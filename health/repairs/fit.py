"""Repairs of how long a training goes, when it stops and by which rows it is judged."""

import math
from collections.abc import Sequence

from pydantic import JsonValue

from health.repairs.rates import stretched
from health.repairs.repair import Changes, Repair
from models.specs.experiment import ExperimentSpec
from models.specs.fit import MAX_EPOCHS, EarlyStopping

# Epochs without a new best, where there was no early stopping: a tenth of all, and at least these.
LEAST_PATIENCE = 5

# Of the rows: with more of them validating, there are fewer to learn from than to judge by.
HALF = 0.5

# Times as many epochs. What still falls often has further to go than it came (decision 0016); early
# stopping ends what has not.
LONGER = 4


def keep_best_weights(losses: Sequence[float]) -> Repair:
    """Stop when validation gets no better, and hand out the best epoch's network.

    Args:
        losses: of the validation rows in the training that is repaired. Its best epoch is waited
            for, so that what is handed out is never worse than what there was.
    """
    return lambda spec: _best_kept(spec, spec.fit.epochs, losses)


def train_longer(losses: Sequence[float]) -> Repair:
    """Four times as many epochs, the best of which is handed out, so that they can do no harm.

    A schedule is stretched along: it says what the rate is at which part of the training, and most
    that have ended leave a rate at which nothing more is learned.

    Args:
        losses: of the validation rows in the training that is repaired; its best epoch is waited
            for.
    """

    def repair(spec: ExperimentSpec) -> Changes:
        epochs = min(LONGER * spec.fit.epochs, MAX_EPOCHS)
        changes = {"fit.epochs": epochs} | _best_kept(spec, epochs, losses)
        return changes | stretched(spec, epochs / spec.fit.epochs)

    return repair


def more_training_rows(spec: ExperimentSpec) -> Changes:
    """Train on most rows, where more of them validate."""
    return {"fit.validation_split": 0.3} if spec.fit.validation_split > HALF else {}


def _best_kept(spec: ExperimentSpec, epochs: int, losses: Sequence[float]) -> dict[str, JsonValue]:
    """The best by what a client monitors, where that is measured on validation rows.

    Else by their loss: the best weights by a training metric are those that have memorized the
    training rows, however bad they are for others (decision 0016).
    """
    stopping = spec.fit.early_stopping
    if spec.fit.validation_split == 0:
        return {}
    if stopping is not None and stopping.monitor.startswith("val_"):
        return {"fit.early_stopping.restore_best_weights": True}
    asked = stopping.patience if stopping else 0
    patience = max(LEAST_PATIENCE, epochs // 10, _longest_wait(losses), asked)
    return {"fit.early_stopping": EarlyStopping(patience=patience).model_dump(mode="json")}


def _longest_wait(losses: Sequence[float]) -> int:
    """Epochs from one best to the next, at most, up to the best of all."""
    best, at, longest = math.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            longest = max(longest, epoch - at)
            best, at = loss, epoch
    return longest
