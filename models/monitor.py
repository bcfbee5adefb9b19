"""Which metric decides which epoch, and which trial, is best, and which way is better."""

from typing import Literal

from models.specs.fit import FitSpec

Mode = Literal["min", "max"]

# Parts of Keras metric names for which larger is better; all other metrics measure an error.
LARGER_IS_BETTER = (
    "accuracy",
    "acc",
    "auc",
    "precision",
    "recall",
    "f1_score",
    "fbeta_score",
    "r2_score",
    "cosine_similarity",
    "iou",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
    "true_positives",
    "true_negatives",
)


def better(metric: str) -> Mode:
    """Which way a metric, or its val_ twin, is better."""
    name = metric.removeprefix("val_")
    return "max" if any(name == part or part in name for part in LARGER_IS_BETTER) else "min"


def monitored(fit: FitSpec) -> tuple[str, Mode]:
    """The metric by which epochs and trials are judged, and which way it is better.

    It is what early stopping monitors; without early stopping the validation loss, and without
    validation rows the training loss.
    """
    stopping = fit.early_stopping
    if stopping is None:
        return ("val_loss" if fit.validation_split else "loss"), "min"
    if stopping.mode == "auto":
        return stopping.monitor, better(stopping.monitor)
    return stopping.monitor, stopping.mode
