"""What of an experiment may be changed after its POST: the body of a PATCH.

Only what makes no trial another one. Everything else of a spec is what its trials were trained by.
"""

from models.specs.base import Spec
from models.specs.experiment import MaxParallel


class LimitsChange(Spec):
    """The limits that may be changed."""

    max_parallel: MaxParallel
    """From the next claim on. When lowered, trials that run already are left to end."""


class ExperimentChange(Spec):
    """A merge patch (RFC 7396): what it does not name stays as it is."""

    limits: LimitsChange
