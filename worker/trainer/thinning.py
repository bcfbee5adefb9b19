"""How much is measured, and how often: so that it costs a training no more than a few percent.

By counted work and never by a clock, so the same trial measures the same rows and epochs wherever
it is trained.
"""

import math
from dataclasses import dataclass

import keras

from worker.trainer.work import VALUE_BYTES, products, values

# Of the training rows, and of the validation rows.
MOST_ROWS = 2048
# The outputs of all layers are there at a time, and as much again for their gradients.
MOST_BYTES = 64 << 20
# A pass is not interrupted. It takes about half a second on two cores then.
MOST_PRODUCTS = 10_000_000_000
# Of the work that is done between two measurements.
SHARE = 0.08
# From epoch so many on measurements become rarer, so that 100,000 epochs leave some hundreds.
EVERY_EPOCH_UNTIL = 100

# Work is counted in products. Forward, gradient of the weights, gradient of the inputs:
_TRAINING = 3
# What else an output costs: bias, activation, and to be written and read.
_VALUE = 20
# What a step costs whatever its rows, and what a pass does: some hundred small operations.
_STEP = 10_000_000
_PASS = 9 * _STEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """What is measured.

    Attributes:
        probe: training rows.
        paired: validation rows; 0 without any.
        interval: epochs from one measurement to the next.
        epochs: that are trained at most.
    """

    probe: int
    paired: int
    interval: int
    epochs: int

    def due(self, epoch: int, last: int) -> bool:
        """Whether an epoch is measured that is not the last one; that one always is.

        Args:
            epoch: from 1.
            last: that was measured.
        """
        if epoch == 1:
            return True
        distance = max(self.interval, 2 * epoch // EVERY_EPOCH_UNTIL)
        return last + distance <= epoch <= self.epochs - self.interval


def amount(
    network: keras.Model, *, training: int, validation: int, batch_size: int, epochs: int
) -> Amount:
    """What to measure of a network.

    Args:
        network: which.
        training: how many rows there are to train on.
        validation: how many to validate with.
        batch_size: rows a training step.
        epochs: that are trained at most.
    """
    size = max(1, values(network))
    row = products(network) + _VALUE * size
    fitting = min(MOST_ROWS, MOST_BYTES // (VALUE_BYTES * size), MOST_PRODUCTS // (_TRAINING * row))
    # However large a row is, a training step takes a batch of them.
    most = max(fitting, min(batch_size, MOST_ROWS))
    probe, paired = min(most, training), min(most, validation)
    epoch = math.ceil(training / batch_size) * _STEP + (_TRAINING * training + validation) * row
    measuring = _PASS + (_TRAINING * probe + paired) * row
    interval = math.ceil(measuring / (SHARE * epoch))
    return Amount(probe=probe, paired=paired, interval=interval, epochs=epochs)
