"""Repairs of when to stop and by which rows: the best epoch's weights, most rows to train on."""

from health.repairs.repair import Changes
from models.specs.experiment import ExperimentSpec
from models.specs.fit import EarlyStopping

# Epochs without a new best that are waited for where nothing has stopped a training so far: a
# tenth of it, and what Keras's own examples wait for at least.
LEAST_PATIENCE = 5

# Of the rows: with more of them validating, there are fewer to learn from than to judge by.
HALF = 0.5


def keep_best_weights(spec: ExperimentSpec) -> Changes:
    """Stop when validation gets no better, and hand out the best epoch's network."""
    stopping = spec.fit.early_stopping
    if spec.fit.validation_split == 0:
        return {}
    if stopping is not None:
        return {"fit.early_stopping.restore_best_weights": True}
    patience = max(LEAST_PATIENCE, spec.fit.epochs // 10)
    return {"fit.early_stopping": EarlyStopping(patience=patience).model_dump(mode="json")}


def more_training_rows(spec: ExperimentSpec) -> Changes:
    """Train on most rows, where more of them validate."""
    return {"fit.validation_split": 0.3} if spec.fit.validation_split > HALF else {}
