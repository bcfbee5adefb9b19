"""Repairs of what goes in: the scale of the columns, and how much each class counts."""

from health.repairs.repair import Changes
from models.specs.experiment import ExperimentSpec


def scale_inputs(_spec: ExperimentSpec) -> Changes:
    """Zero mean and unit variance."""
    return {"data.scaling": "standard"}


def balance_classes(spec: ExperimentSpec) -> Changes:
    """Weigh each class in inverse proportion to its rows."""
    return {} if spec.fit.class_weight == "balanced" else {"fit.class_weight": "balanced"}
