"""Whether a training's health is measured, and which finding an experiment is to repair."""

from typing import Annotated

from pydantic import Field

from models.specs.base import Spec
from models.specs.numbers import Flag

ExperimentId = Annotated[str, Field(pattern=r"^exp_[0-9a-z]{1,60}$")]

# What a database's integer holds: 32 bits with a sign.
LARGEST_NUMBER = 2**31 - 1


class HealthSpec(Spec):
    """What is measured beside the metrics, a few percent of the time that the epochs take."""

    measure: Flag = True
    """Gradients, weights and activations, layer by layer. Without, trainings are judged by their
    curves alone."""


class Origin(Spec):
    """The finding of an earlier experiment that this one repairs, as GET …/next fills it in."""

    experiment: ExperimentId
    trial: Annotated[int, Field(strict=True, ge=1, le=LARGEST_NUMBER)]
    """Whose finding it is."""
    finding: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z_]+$")]
    """Its code."""
