"""What helps against a fault, as changes of an experiment's spec: dotted paths to values.

The language is that in which searches propose trials, so `models.trial.changed` carries it out.
Each repair takes the spec of a single trial, with the client's own layers, and gives no changes
where it has nothing to change. Pure.
"""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from models.specs.experiment import ExperimentSpec
from models.trial import changed

Changes = Mapping[str, JsonValue]
Repair = Callable[[ExperimentSpec], Changes]


def none(_spec: ExperimentSpec) -> Changes:
    """Nothing in the spec would help."""
    return {}


def together(*repairs: Repair) -> Repair:
    """All of them; the first that changes a path decides it."""

    def repair(spec: ExperimentSpec) -> Changes:
        changes: dict[str, JsonValue] = {}
        for each in repairs:
            changes = {**each(spec), **changes}
        return changes

    return repair


def otherwise(first: Repair, then: Repair) -> Repair:
    """The first; the second where that leaves the spec as it is, since all it asks is there."""

    def repair(spec: ExperimentSpec) -> Changes:
        changes = first(spec)
        return changes if changed(spec, changes) != spec else then(spec)

    return repair
