"""Measures a network on its way, in inference mode, on rows that stay the same.

`health` judges what is measured here; nothing is judged in this room but a loss that ran away.
Training is not changed by it, to the last bit.
"""

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from models.measurements import LackOfFit, LayerMeasurement, Measurement
from models.specs.losses import AnyLoss
from models.trial import TrialSpec
from worker.trainer.gauge import Floats, LayerReading, Reading, WeightReading
from worker.trainer.lack_of_fit import lack_of_fit
from worker.trainer.pairing import Measured, RowsAt
from worker.trainer.prior import prior
from worker.trainer.program import Program
from worker.trainer.randomness import probe
from worker.trainer.residuals import residuals
from worker.trainer.rows import Rows
from worker.trainer.thinning import amount
from worker.trainer.work import VALUE_BYTES

# An output below it is none, as in SageMaker Debugger's rule for dead ReLUs.
NOTHING = 1e-7
# What rounding may leave between outputs that are the same, as a share of them.
ROUNDING = 1e-6
# A unit is saturated that is so on more than this share of rows: SageMaker Debugger's rule again.
SATURATED_ROWS = 0.95
# A copy of larger weights might be what a device has no room for; their updates are not measured.
MOST_WEIGHT_BYTES = 1 << 30
# Numbers that are left over, of all rows and outputs: 128 MiB each time that they are copied. With
# more, as of 2,048 rows and 100,000 classes, only some of the rows are asked for their lack of fit.
MOST_RESIDUALS = 1 << 24

_CAN_DIE = {"relu", "relu6"}
# What is added at the end of a layer, by Keras's names; all else that trains is multiplied.
_ADDED = {"bias", "beta"}
# More than a float32 that was summed up has.
_DIGITS = 6

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
        self._targets = _Targets(self._loss, drawn[1])
        self._largest_input = _finite(float(np.abs(drawn[0]).max(initial=0.0)))
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
            layers=_layers(reading, updates=epoch > 0 and self._compares),
            loss=_finite(reading.loss),
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
            share=_rounded(found.share), standard_error=_rounded(found.standard_error)
        )


class _Targets:
    """What there is to be recognised in the probe.

    Attributes:
        prior: the loss of the best constant prediction.
        minority: the share of the rarest class that is there; None for a regression, and of a
            single class.
    """

    def __init__(self, spec: AnyLoss, y: NDArray[np.generic]) -> None:
        self._threshold = 0.5 if spec.of_probabilities else 0.0
        self._encoding = spec.encoding
        self._codes = _codes(spec, y)
        self.prior = _finite(prior(spec, y))
        self.minority: float | None = None
        self._rarest = 0
        if self._codes is not None:
            classes, counts = np.unique(self._codes, return_counts=True)
            if len(classes) > 1:
                self._rarest = int(classes[counts.argmin()])
                self.minority = _finite(counts.min() / len(y))

    def recognised(self, reading: Reading) -> tuple[float | None, float | None]:
        """The share of the class that the network says most often, and the recall of the rarest."""
        outputs = reading.outputs
        if self._codes is None or not len(outputs) or not math.isfinite(reading.loss):
            return None, None
        binary = self._encoding == "binary"
        said = (
            (outputs[:, 0] > self._threshold).astype(np.int64) if binary else outputs.argmax(axis=1)
        )
        commonest = _finite(np.bincount(said).max() / len(said))
        if self.minority is None:
            return commonest, None
        return commonest, _finite(float((said[self._codes == self._rarest] == self._rarest).mean()))


def _codes(spec: AnyLoss, y: NDArray[np.generic]) -> NDArray[np.int64] | None:
    """The class of each row; None for a regression."""
    match spec.encoding:
        case "number":
            return None
        case "one_hot":
            return np.asarray(y.argmax(axis=1), np.int64)
        case _:
            return y.reshape(-1).astype(np.int64)


def _layers(reading: Reading, *, updates: bool) -> tuple[LayerMeasurement, ...]:
    found = []
    sound = True  # behind numbers that are not finite, none is of any meaning
    for each in reading.layers:
        weights = each.layer.trainable_weights
        kernel = [reading.weights[id(one)] for one in weights if one.name not in _ADDED]
        bias = [reading.weights[id(one)] for one in weights if one.name in _ADDED]
        sound = sound and _sound(each, [*kernel, *bias])
        found.append(
            LayerMeasurement(
                layer=each.layer.name,
                units=each.highest.shape[-1],
                **(_of_outputs(each) if sound else {}),
                kernel_gradient=_norm([one.gradient for one in kernel]),
                bias_gradient=_norm([one.gradient for one in bias]),
                kernel_norm=_norm([one.value for one in kernel]),
                bias_norm=_norm([one.value for one in bias]),
                update_ratio=_update([*kernel, *bias]) if updates else None,
            )
        )
    return tuple(found)


def _sound(reading: LayerReading, weights: Sequence[WeightReading]) -> bool:
    """Whether all is finite. The weights are asked too: a ReLU may make zero of what is not."""
    outputs = np.isfinite(reading.highest).all() and np.isfinite(reading.lowest).all()
    return bool(outputs) and all(math.isfinite(one.value) for one in weights)


def _of_outputs(reading: LayerReading) -> dict[str, float | None]:
    """Shares of a layer's outputs and units."""
    highest, lowest, flat = reading.highest, reading.lowest, reading.flat
    places = tuple(range(highest.ndim - 1))
    same = highest - lowest <= ROUNDING * np.maximum(np.abs(highest), np.abs(lowest))
    dies = _activation(reading.layer) in _CAN_DIE
    return {
        "zeros": _finite(reading.zeros),
        "dead": _finite((highest.max(axis=places) <= NOTHING).mean()) if dies else None,
        "silent": _finite(same.all(axis=places).mean()),
        "saturated": None if flat is None else _finite((flat > SATURATED_ROWS).mean()),
    }


def _activation(layer: keras.Layer) -> str:
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def _update(weights: Sequence[WeightReading]) -> float | None:
    change = _norm([one.change for one in weights])
    before = _norm([one.before for one in weights])
    return None if change is None or not before else _finite(change / before)


def _norm(halves: Sequence[float]) -> float | None:
    """Euclidean, of half the squares; None of none."""
    return _finite(math.sqrt(2 * sum(halves))) if halves else None


def _finite(number: float | None) -> float | None:
    """A number as it is reported: in few digits, and none where it is not finite."""
    return None if number is None or not math.isfinite(number) else _rounded(number)


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
