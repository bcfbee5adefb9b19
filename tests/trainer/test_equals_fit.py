"""A training has the numbers of `keras.Model.fit`, over all that a spec can ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from models.lifecycle import StopReason
from models.specs.activations import ActivationName
from models.specs.losses import AnyLoss
from models.specs.metrics import AnyMetric
from models.specs.names import tag_of
from models.specs.network import AnyLayer
from models.specs.optimizers import AnyOptimizer
from tests.trainer.menagerie.few import FEW, Part, parts
from tests.trainer.menagerie.members import EPOCHS, MEMBERS, Member
from worker.messages import Epoch
from worker.trainer import fused
from worker.trainer.loop import Loop, Schedule
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network
from worker.trainer.program import Program
from worker.trainer.randomness import Reseed
from worker.trainer.rows import HeldRows
from worker.trainer.trial import callbacks

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# What is promised, relative to the largest number in a column or a variable.
PROMISED = 1e-4
# What holds. Training is alike to the last bit where rows lie alike in memory, by which Eigen
# chooses in what order to add; validation goes in larger batches than in fit, so adds otherwise.
HELD = 1e-5
# Of what has kernels that round otherwise than Keras, only what is promised holds.
ROUNDED_OTHERWISE = (fused.Adam, fused.AdamW)
# An R2 near zero is the difference of two numbers near one.
CANCELLING = "r2_score"

Array = NDArray[Any]
Arrays = list[Array]
Rowed = dict[str, list[float]]
Callbacks = Sequence[keras.callbacks.Callback]
each_member = pytest.mark.parametrize("member", FEW, ids=lambda member: member.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a training led to.

    Attributes:
        epochs: the metrics of each, by name, before callbacks add to them.
        rates: the learning rate at the end of each, before callbacks change it.
        history: Keras's own, with what callbacks added.
        weights: and seed generators.
        optimizer: its iterations, learning rate and moments.
        stopped: a callback said so.
    """

    epochs: Rowed
    rates: list[float]
    history: Rowed
    weights: Arrays
    optimizer: Arrays
    stopped: bool


class _Diary(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes down an epoch's row as the trainer would; first in the list, so before others."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []
        self.rates: list[float] = []
        self._rate = 0.0

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        del batch, logs
        self._rate = float(self.model.optimizer.learning_rate)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        del epoch
        self.rows.append(dict(logs or {}))
        self.rates.append(self._rate)


def _by_fit(member: Member, others: Callbacks = ()) -> Outcome:
    """Train as a Keras script does."""
    spec, data, diary = member.spec, member.data(), _Diary()
    network = _network(member, plain=True)
    weighted_by_fit = member.class_weight is not None
    network.fit(
        _dataset(data.training, spec.fit.batch_size, weighted=not weighted_by_fit),
        epochs=spec.fit.epochs,
        shuffle=False,
        validation_data=data.validation and _dataset(data.validation, spec.fit.batch_size),
        class_weight=member.class_weight,
        callbacks=[Reseed(spec.seed), diary, *callbacks(spec), *others],
        verbose=0,
    )
    return _outcome(network, diary.rows, diary.rates)


def _by_us(member: Member, others: Callbacks = ()) -> tuple[Outcome, StopReason]:
    """Train as the trainer does."""
    spec, data, network = member.spec, member.data(), _network(member)
    seen: list[Epoch] = []
    example = data.training.take(slice(0, 1))
    ending = Loop(
        Program(network, batch_size=spec.fit.batch_size, example=example),
        training=data.training,
        validation=data.validation,
        schedule=Schedule(
            epochs=spec.fit.epochs,
            seed=spec.seed,
            shuffle=spec.fit.shuffle,
        ),
        callbacks=[*callbacks(spec), *others],
        on_epoch=seen.append,
    ).run()
    rows = [epoch.metrics for epoch in seen]
    return _outcome(network, rows, [float(epoch.learning_rate or 0) for epoch in seen]), ending


def _network(member: Member, *, plain: bool = False) -> keras.Model:
    """Untrained, with the metrics that Keras would make in the first step, and trace it again."""
    network = build(member.spec.network.layers, member.shape, member.spec.seed)
    compile_network(network, member.spec.compile, plain=plain)
    x, y, *_ = member.data(rows=1).training.take(slice(0, 1))
    network.compute_metrics(x, y, network(x))
    return network


def _dataset(rows: HeldRows, batch_size: int, *, weighted: bool = True) -> tf.data.Dataset:
    """Rows as they come, without what makes large datasets fast and small ones slow."""
    batch = rows.take(slice(None))
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    dataset = tf.data.Dataset.from_tensor_slices(batch if weighted else batch[:2])
    return dataset.batch(batch_size).with_options(options)


def _outcome(network: keras.Model, rows: Sequence[dict[str, float]], rates: list[float]) -> Outcome:
    return Outcome(
        epochs={name: [row[name] for row in rows] for name in rows[0]},
        rates=rates,
        history=network.history.history,
        weights=[each.numpy() for each in network.variables],
        optimizer=[each.numpy() for each in network.optimizer.variables],
        stopped=network.stop_training,
    )


def _held(member: Member) -> float:
    return PROMISED if isinstance(_network(member).optimizer, ROUNDED_OTHERWISE) else HELD


def _assert_equal(ours: Outcome, fitted: Outcome, held: float) -> None:
    assert ours.stopped is fitted.stopped
    assert len(ours.rates) == len(fitted.rates), "another number of epochs"
    np.testing.assert_allclose(ours.rates, fitted.rates, rtol=1e-6)
    for mine, theirs in ((ours.epochs, fitted.epochs), (ours.history, fitted.history)):
        assert mine.keys() == theirs.keys()
        for name, column in theirs.items():
            within = PROMISED if name.endswith(CANCELLING) else held
            _assert_close(np.array(mine[name]), np.array(column), within, name)
    for what in ("weights", "optimizer"):
        pairs = zip(getattr(ours, what), getattr(fitted, what), strict=True)
        for number, (variable, theirs_) in enumerate(pairs):
            _assert_close(variable, theirs_, held, f"{what} {number}")


def _assert_close(ours: Array, fitted: Array, within: float, what: str) -> None:
    finite = np.abs(fitted[np.isfinite(fitted)])
    atol = within * float(finite.max(initial=0))
    np.testing.assert_allclose(ours, fitted, rtol=within, atol=atol, err_msg=what)


def _ending(member: Member, fitted: Outcome) -> StopReason:
    """How a training ends here that went as this one."""
    if not np.isfinite(fitted.epochs["loss"][-1]):
        return StopReason.DIVERGED
    stopped = len(fitted.rates) < member.spec.fit.epochs or fitted.stopped
    return StopReason.EARLY_STOPPED if stopped else StopReason.COMPLETED


@each_member
def test_a_training_has_the_numbers_of_fit(member: Member) -> None:
    fitted = _by_fit(member)
    ours, ending = _by_us(member)

    _assert_equal(ours, fitted, _held(member))
    assert ending is _ending(member, fitted)
    assert member.diverges is (ending is StopReason.DIVERGED)


class _Listener(keras.callbacks.Callback):  # type: ignore[misc]
    """A user's own: writes down every batch, and may stop the training after one."""

    def __init__(self, stop_after: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.heard: list[tuple[str, int, dict[str, float]]] = []
        self._stop_after = stop_after
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch = epoch
        self._hear("epoch", epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._hear("begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._hear("end", batch, logs)
        if (self._epoch, batch) == self._stop_after:
            self.model.stop_training = True

    def _hear(self, what: str, number: int, logs: dict[str, float] | None) -> None:
        self.heard.append(
            (what, number, {name: float(each) for name, each in (logs or {}).items()})
        )


HEARD = next(each for each in FEW if each.spec.fit.batch_size == 7)


@pytest.mark.parametrize("stop_after", [None, (1, 2), (0, 0)], ids=str)
def test_a_callback_of_the_user_hears_of_every_batch_and_may_stop_within_an_epoch(
    stop_after: tuple[int, int] | None,
) -> None:
    by_fit, by_us = _Listener(stop_after), _Listener(stop_after)
    fitted = _by_fit(HEARD, [by_fit])
    ours, _ = _by_us(HEARD, [by_us])

    _assert_equal(ours, fitted, _held(HEARD))
    assert [call[:2] for call in by_us.heard] == [call[:2] for call in by_fit.heard]
    for (*_, mine), (*_, theirs) in zip(by_us.heard, by_fit.heard, strict=True):
        assert mine == pytest.approx(theirs, rel=_held(HEARD), abs=1e-7)


def test_a_callback_of_the_user_may_set_rates_and_weights_between_epochs() -> None:
    def others() -> Callbacks:
        def shrink(epoch: int, logs: object) -> None:
            del epoch, logs
            network = scheduler.model
            network.set_weights([weight * 0.9 for weight in network.get_weights()])

        scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / (1 + epoch))
        return [scheduler, keras.callbacks.LambdaCallback(on_epoch_end=shrink)]

    member = next(each for each in MEMBERS if _is_quiet(each))
    ours, _ = _by_us(member, others())
    fitted = _by_fit(member, others())

    _assert_equal(ours, fitted, _held(member))
    assert len(set(fitted.rates)) == EPOCHS


def _is_quiet(member: Member) -> bool:
    """Nothing else changes its rate or stops it."""
    fit = member.spec.fit
    rate = member.spec.compile.optimizer.learning_rate
    watched = fit.early_stopping is not None or fit.reduce_lr_on_plateau is not None
    return isinstance(rate, float) and not watched


def test_the_members_are_of_all_there_is() -> None:
    specs = [member.spec for member in FEW]
    layers = [layer for spec in specs for layer in spec.network.layers]
    metrics = [metric for spec in specs for metric in spec.compile.metrics]

    assert _parts(FEW) == _parts(MEMBERS)
    assert {each.keras_name for each in layers} == _tags(AnyLayer)
    assert {spec.compile.optimizer.keras_name for spec in specs} == _tags(AnyOptimizer)
    assert {spec.compile.loss.keras_name for spec in specs} == _tags(AnyLoss) - {"auto"}
    assert {each.keras_name for each in metrics} == _tags(AnyMetric)
    assert {getattr(each, "activation", "relu") for each in layers} >= {*get_args(ActivationName)}


def _parts(members: Sequence[Member]) -> frozenset[Part]:
    return frozenset().union(*map(parts, members))


def _tags(union: Any) -> set[str]:
    return {tag_of(member) for member in get_args(union)}
