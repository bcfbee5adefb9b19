"""What the API says about the health of one training: series for plots, and what they came to."""

from pydantic import computed_field

from models.findings import Check, Finding
from models.lifecycle import State
from models.measurements import LackOfFit, PairedLosses
from models.views.base import View

Series = tuple[float | None, ...]
"""A value at each of the measured epochs; null where there is none. Empty where there never is."""


class LayerSeries(View):
    """One layer that has weights or an activation, along the measured epochs."""

    layer: str
    """Its name in the network."""
    units: int | None
    """Neurons of a dense layer, channels of a convolution."""
    zeros: Series
    """Share of its outputs that are zero; healthy ReLU layers have many."""
    dead: Series
    """Share of its units that put out nothing for any row, of ReLU alone."""
    silent: Series
    """Share of its units that put out the same for every row."""
    saturated: Series
    """Share of its units on a flat end of tanh or of the sigmoid for nearly every row."""
    kernel_gradient: Series
    """Euclidean norm of the gradient of the mean loss by the kernel."""
    bias_gradient: Series
    kernel_norm: Series
    """Euclidean norm of its weights."""
    bias_norm: Series
    update_ratio: Series
    """How far the weights came in an epoch, over their norm before it."""


class TrialHealth(View):
    """What was measured of a trial on a fixed probe of its training rows, and judged of it."""

    experiment: str
    trial: int
    state: State
    rows: int | None
    """Of the probe; null where nothing is measured."""
    largest_input: float | None
    """The largest absolute value among these rows, as it goes into the network."""
    prior: float | None
    """Their mean loss by the best constant prediction: what a network that learned nothing can
    reach."""
    minority: float | None
    """The share of them that has the rarest class; of a classifier."""
    epochs: tuple[int, ...]
    """Those that were measured, from 0, which is before training; of very many some."""
    layers: tuple[LayerSeries, ...]
    """From the input to the output."""
    loss: Series
    """Mean over the probe, without what regularizers add."""
    commonest: Series
    """Share of the rows that are given the class that is given most often; of a classifier."""
    minority_recall: Series
    """Share of the rows of the rarest class that are recognised."""
    since_best: tuple[PairedLosses | None, ...]
    """Validation rows against the epoch with their lowest mean loss so far."""
    since_last: tuple[PairedLosses | None, ...]
    """Validation rows against the measurement before."""
    lack_of_fit: LackOfFit | None
    """What the inputs could still explain of the errors on these rows: about 0 where they are
    noise. Null before the training's end, and of losses for which it cannot be told."""
    findings: tuple[Finding, ...]
    """Causes first. What was found at its end; of a trial that came to none of its own, what would
    be found now."""
    checks: tuple[Check, ...]
    """What each rule came to, also where it found nothing or does not apply."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_terminal(self) -> bool:
        """Whether the trial is over."""
        return self.state.is_terminal

    @computed_field  # type: ignore[prop-decorator]
    @property
    def links(self) -> dict[str, str]:
        """Where to go from here."""
        here = f"/experiments/{self.experiment}"
        return {
            "self": f"{here}/trials/{self.trial}/health",
            "trial": f"{here}/trials/{self.trial}",
            "next": f"{here}/next?trial={self.trial}",
        }
