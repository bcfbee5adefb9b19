"""How many of the validation rows a classifier got right, and how surely that is known."""

import math
from collections.abc import Sequence

from models.trial import TrialResult
from models.views.comparison import Accuracy
from search.curves import Curves

# What Keras calls the share of rows that are right, by how the target is written.
_NAMES = (
    "val_accuracy",
    "val_binary_accuracy",
    "val_categorical_accuracy",
    "val_sparse_categorical_accuracy",
)


def accuracy_of(results: Sequence[TrialResult], curves: Curves) -> Accuracy | None:
    """The accuracy of a candidate at the best epochs of its trials.

    The standard error is the binomial one, sqrt(p (1 - p) / n), of p right over the n validation
    rows of all repeats. Repeats validate on rows of one dataset, which they partly share, so with
    several repeats it is rather too small; and it says nothing of a *difference* of two candidates,
    who err on the same rows: see search.paired.

    Args:
        results: the candidate's trials.
        curves: of these.

    Returns:
        None where no epoch reports an accuracy, and until a trial is over.
    """
    right, rows = 0.0, 0
    for result in results:
        share = _at_best(result, curves)
        if share is not None and result.validation_rows is not None:
            right += share * result.validation_rows
            rows += result.validation_rows
    if not rows:
        return None
    value = right / rows
    error = math.sqrt(max(0.0, value * (1.0 - value)) / rows)
    return Accuracy(value=value, standard_error=error, rows=rows)


def _at_best(result: TrialResult, curves: Curves) -> float | None:
    epochs = curves.get(result.number, ())
    if result.best_epoch is None or not 0 < result.best_epoch <= len(epochs):
        return None
    metrics = epochs[result.best_epoch - 1]
    return next((metrics[name] for name in _NAMES if metrics.get(name) is not None), None)
