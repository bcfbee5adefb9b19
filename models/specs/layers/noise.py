"""Layers that disturb the training and do nothing afterwards. Their seeds are the experiment's."""

from typing import Literal

from models.specs.layers.core import ElementWise
from models.specs.numbers import Fraction


class Dropout(ElementWise):
    """Set this fraction of the inputs to zero, others up by 1 / (1 - rate)."""

    layer: Literal["Dropout"] = "Dropout"
    rate: Fraction


class GaussianNoise(ElementWise):
    """Add normal noise of this deviation."""

    layer: Literal["GaussianNoise"] = "GaussianNoise"
    stddev: Fraction
    """From 0 to 1, as Keras has it."""
