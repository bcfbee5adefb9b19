"""Measures a network on its way, in inference mode, on rows that stay the same.

`health` judges what is measured here; nothing is judged in this room but a loss that ran away.
Training is not changed by it, to the last bit.
"""

import math
from collections.abc import Callable

import numpy as np

from models.measurements import LackOfFit, Measurement
from models.trial import TrialSpec
from worker.trainer.gauge import Floats
from worker.trainer.lack_of_fit import lack_of_fit
from worker.trainer.layer_measurements import layer_measurements
from worker.trainer.pairing import Measured, RowsAt
from worker.trainer.probe_targets import Targets
from worker.trainer.program import Program
from worker.trainer.randomness import probe
from worker.trainer.reported import reported, rounded
from worker.trainer.residuals import residuals
from worker.trainer.rows import Rows
from worker.trainer.thinning import amount
from worker.trainer.work import VALUE_BYTES

# A copy of larger weights might be what a device has no room for; their updates are not measured.
MOST_WEIGHT_BYTES = 1 << 30
# Numbers that are left over, of all rows and outputs: 128 MiB each time that they are copied. With
# more, as of 2,048 rows and 100,000 classes, only some of the rows are asked for their lack of fit.
MOST_RESIDUALS = 1 << 24

Between = Callable[[], None]


class Measuring:
    """Measures one training.

    Args:
        program: its network, as untrained, or trained, as it now is.
        trial: resolved.
        training, validation: its rows.
        measured: up to where it goes on; None at the beginning.
        epoch: where it goes on, the last one that was trained.

    Attributes:
        measured: what the next measurement is compared with.
    """

    def __init__(
        self,
        program: Program,
        *,
        trial: TrialSpec,
        training: Rows,
        validation: Rows | None,
        measured: Measured | None = None,
        epoch: int = 0,
    ) -> None:
        self._gauge, self._loss = program.gauge, trial.compile.loss
        put, network = program.placement.put, program.network
        self._amount = amount(
            network,
            training=len(training),
            validation=0 if validation is None else len(validation),
            batch_size=program.batch_size,
            epochs=trial.fit.epochs,
        )
        self._training, self._seed = training, trial.seed
        self._which = probe(trial.seed, len(training), self._amount.probe)
        drawn = training.take(self._which)[:2]
        self._probe = put(drawn)
        self._targets = Targets(self._loss, drawn[1])
        self._largest_input = reported(float(np.abs(drawn[0]).max(initial=0.0)))
        self._paired = (
            None
            if validation is None or not self._amount.paired
            else put(validation.take(slice(0, self._amount.paired))[:2])
        )
        self._compares = VALUE_BYTES * network.count_params() <= MOST_WEIGHT_BYTES
        self._before = self._gauge.weights()
        self._last = epoch if measured is None else measured.last.epoch
        self.measured = measured

    def begin(self, between: Between) -> Measurement:
        """Measure the untrained network."""
        return self._measure(0, between, last=False)

    def epoch_begins(self) -> None:
        """Note the weights, from which the epoch will lead away."""
        if self._compares:
            self._before = self._gauge.weights()

    def epoch_ended(self, epoch: int, *, last: bool, between: Between) -> Measurement | None:
        """Measure what has become of the network, where its turn has come.

        Args:
            epoch: from 1.
            last: the training ends with it.
            between: called before each pass; stops this by raising.
        """
        if not last and not self._amount.due(epoch, self._last):
            return None
        return self._measure(epoch, between, last=last)

    def _measure(self, epoch: int, between: Between, *, last: bool) -> Measurement:
        between()
        reading = self._gauge.read(self._probe, self._before)
        between()
        losses = b"" if self._paired is None else self._gauge.row_losses(self._paired).tobytes()
        now, measured = RowsAt(epoch, losses), self.measured
        self._last = epoch
        self.measured = Measured(now, now) if measured is None else measured.followed_by(now)
        commonest, recall = self._targets.recognised(reading)
        return Measurement(
            epoch=epoch,
            rows=self._amount.probe,
            layers=layer_measurements(reading, updates=epoch > 0 and self._compares),
            loss=reported(reading.loss),
            prior=self._targets.prior,
            largest_input=self._largest_input,
            commonest=commonest,
            minority=self._targets.minority,
            minority_recall=recall,
            since_best=None if measured is None else now.since(measured.best),
            since_last=None if measured is None else now.since(measured.last),
            lack_of_fit=self._lack_of_fit(reading.outputs) if last else None,
        )

    def _lack_of_fit(self, outputs: Floats) -> LackOfFit | None:
        """The rows are taken once more rather than kept along the whole training."""
        step = max(1, math.ceil(outputs.size / MOST_RESIDUALS))
        x, y, *weights = self._training.take(self._which[::step])
        left = residuals(self._loss, y, outputs[::step])
        if left is None:
            return None
        if weights:  # of each row in the loss, so also in the mean that is 0 at its best
            left *= weights[0].astype(np.float64).reshape(-1, 1)
        found = lack_of_fit(x, left, self._seed)
        return found and LackOfFit(
            share=rounded(found.share), standard_error=rounded(found.standard_error)
        )
