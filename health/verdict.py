"""What one rule comes to about one training: found, healthy, or not a question that can be asked.

Values only. Rules make them, `judge` sorts them and has the repairs written as patches.
"""

from collections.abc import Callable
from dataclasses import dataclass

from health.course import Course
from health.repairs.repair import Repair, none
from models.findings import Finding


@dataclass(frozen=True, slots=True)
class Found:
    """The rule's fault is there.

    Attributes:
        finding: without its patch.
        repair: what carries its advice out.
    """

    finding: Finding
    repair: Repair = none


@dataclass(frozen=True, slots=True)
class Healthy:
    """It is not; `reason` has the numbers that say so."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """It could not be asked; `reason` says why."""

    reason: str


Verdict = Found | Healthy | NotApplicable

Rule = Callable[[Course], Verdict]

NOT_MEASURED = NotApplicable("Not measured.")
NO_EPOCHS = NotApplicable("No epoch has ended.")
NO_VALIDATION = NotApplicable("There are no validation rows.")


def too_few_epochs(there: int, least: int) -> NotApplicable:
    """A curve of so few says nothing yet."""
    return NotApplicable(f"It takes {least} epochs, and there are {there}.")
