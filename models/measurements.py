"""What a trainer measures of a network on its way, beside Keras's metrics: one record an epoch.

The trainer measures, `health` judges, the API shows; nothing is judged here. A number is None where
it does not apply to a layer or a task, and where it was not finite.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.specs.fit import MAX_EPOCHS
from models.specs.network import MAX_LAYERS

Share = Annotated[float, Field(ge=0, le=1)]


class _Measured(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


class LayerMeasurement(_Measured):
    """One layer that has weights or an activation.

    Attributes:
        layer: its name in the network.
        units: of its last axis: the neurons of a Dense layer, the channels of a convolution.
        zeros: share of its outputs that are zero.
        dead: share of its units whose output is at most 1e-7 on every row and at every place; of
            ReLU alone.
        silent: share of its units that put out the same for every row (to 1e-6 of it), so tell
            nothing of it.
        saturated: share of its units that are on a flat end of tanh (|z| > 3) or of the sigmoid
            (|z| > 4.6) for more than 95 % of the rows; of these alone.
        kernel_gradient, bias_gradient: Euclidean norm of the gradient of the data's mean loss.
        kernel_norm, bias_norm: Euclidean norm of the weights that train; the kernel's are all that
            something is multiplied with, so a normalization's gamma too, and the bias's its beta.
        update_ratio: how far kernel and bias came in this one epoch: the norm of the difference
            over the norm before it. None at the first measurement, and of weights beyond 1 GiB.
    """

    layer: str
    units: int | None = None
    zeros: Share | None = None
    dead: Share | None = None
    silent: Share | None = None
    saturated: Share | None = None
    kernel_gradient: float | None = None
    bias_gradient: float | None = None
    kernel_norm: float | None = None
    bias_norm: float | None = None
    update_ratio: float | None = None


class PairedLosses(_Measured):
    """Losses of the same validation rows at two epochs: later minus earlier."""

    since: int
    """The earlier epoch."""
    mean: float
    """Above 0 the later is worse."""
    standard_error: float | None
    """Of the mean; null of a single row."""
    rows: int
    """How many were paired."""


class LackOfFit(_Measured):
    """What the inputs could still explain of the errors that a network makes on its probe.

    The residuals of the network, in the terms of its loss, are predicted by ridge regression on the
    inputs and random ReLU features of them, each row by all the others: PRESS (Allen, "The
    relationship between variable selection and data augmentation and a method for prediction",
    1974) over random features (Rahimi and Recht, 2008).
    """

    share: Share
    """1 - PRESS / the same by the mean of the others: of the residuals' squares, over rows and
    outputs. About 0 where they are noise, and never below."""
    standard_error: Annotated[float, Field(ge=0)]
    """Of the share, by rows."""


class Measurement(_Measured):
    """What was measured at the end of one epoch, in inference mode, on a fixed probe.

    Attributes:
        epoch: from 1; 0 is before training.
        rows: of the probe, drawn by the trial's seed from the training rows.
        layers: in order, those with weights or an activation.
        loss: mean over the probe, without what regularizers add.
        prior: the same of the best constant prediction: for most losses the classes' shares, or the
            target's mean.
        largest_input: the largest |x| that goes into the network.
        commonest: share of the probe's rows that are given the class that is given most often; None
            for a regression.
        minority: share of the probe's rows that have the rarest class that is among them; None for
            a regression, and where there is one class.
        minority_recall: share of these that are recognised.
        since_best: validation rows, the first 2,048 at most, against the earlier measurement with
            their lowest mean loss, which may be that of epoch 0.
        since_last: the same against the measurement before.
        lack_of_fit: at the end of a training, of losses for which it can be told.
    """

    epoch: Annotated[int, Field(ge=0, le=MAX_EPOCHS)]
    rows: int
    layers: Annotated[tuple[LayerMeasurement, ...], Field(max_length=MAX_LAYERS)]
    loss: float | None
    prior: float | None
    largest_input: float | None
    commonest: Share | None = None
    minority: Share | None = None
    minority_recall: Share | None = None
    since_best: PairedLosses | None = None
    since_last: PairedLosses | None = None
    lack_of_fit: LackOfFit | None = None
