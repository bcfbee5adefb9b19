"""The loop gives the numbers that `keras.Model.fit` gives."""

import math
import time
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.lifecycle import StopReason
from worker.messages import Epoch, StopCause
from worker.trainer import feed
from worker.trainer.loop import Loop, Schedule
from worker.trainer.program import CALL_SECONDS, Program
from worker.trainer.randomness import Reseed, order
from worker.trainer.rows import HeldRows
from worker.trainer.wire import Interrupted

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

BATCH = 32
ROWS = 300  # no multiple of the batch: the last one is partial
SEED = 11
EPOCHS = 5

layers = keras.layers


def _labels() -> tuple[HeldRows, HeldRows]:
    """Three classes that a small network learns in a few epochs."""
    chance = np.random.default_rng(3)
    centres = chance.normal(size=(3, 8)) * 2
    y = chance.integers(0, 3, ROWS + 100)
    x = (centres[y] + chance.normal(size=(len(y), 8))).astype("float32")
    return HeldRows(x=x[:ROWS], y=y[:ROWS]), HeldRows(x=x[ROWS:], y=y[ROWS:])


def _plain() -> keras.Model:
    return keras.Sequential(
        [layers.Input((8,)), layers.Dense(16, "relu"), layers.Dense(3, "softmax")]
    )


def _regularised() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((8,)),
            layers.Dense(16, "relu", kernel_regularizer=keras.regularizers.L2(0.01)),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.GaussianNoise(0.1),
            layers.Dense(3, "softmax"),
        ]
    )


def _compiled(
    build: Callable[[], keras.Model], rate: float = 0.01, seed: int = SEED
) -> keras.Model:
    keras.utils.set_random_seed(seed)
    network = build()
    network.compile(
        keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=2)],
        jit_compile=False,
    )
    network.optimizer.build(network.trainable_variables)
    return network


def _ours(
    network: keras.Model,
    callbacks: list[keras.callbacks.Callback],
    training: HeldRows,
    *,
    epochs: int = EPOCHS,
    shuffle: bool = False,
    resident_bytes: int = feed.RESIDENT_BYTES,
) -> tuple[StopReason, list[Epoch]]:
    seen: list[Epoch] = []
    loop = Loop(
        Program(network, batch_size=BATCH, example=training.take(slice(0, 1))),
        training=training,
        validation=_labels()[1],
        schedule=Schedule(epochs=epochs, seed=SEED, shuffle=shuffle),
        callbacks=callbacks,
        on_epoch=seen.append,
        resident_bytes=resident_bytes,
    )
    return loop.run(), seen


def _keras(
    network: keras.Model,
    callbacks: list[keras.callbacks.Callback],
    training: HeldRows,
    *,
    epochs: int = EPOCHS,
    class_weight: dict[int, float] | None = None,
) -> dict[str, list[float]]:
    validation = _labels()[1]
    history = network.fit(
        training.x,
        training.y,
        batch_size=BATCH,
        epochs=epochs,
        verbose=0,
        shuffle=False,
        validation_data=(validation.x, validation.y),
        callbacks=[Reseed(SEED), *callbacks],
        class_weight=class_weight,
    )
    curves: dict[str, list[float]] = history.history
    return curves


def _assert_same(curves: dict[str, list[float]], seen: list[Epoch]) -> None:
    curves.pop("learning_rate", None)
    assert set(curves) == set(seen[0].metrics)
    for name, values in curves.items():
        ours = [epoch.metrics[name] for epoch in seen]
        assert ours == pytest.approx(values, rel=1e-5, abs=1e-6), name


@pytest.mark.parametrize("build", [_plain, _regularised])
def test_history_and_weights_are_those_of_keras_fit(build: Callable[[], keras.Model]) -> None:
    training, _ = _labels()
    theirs, ours = _compiled(build), _compiled(build)

    curves = _keras(theirs, [], training)
    reason, seen = _ours(ours, [], training)

    assert reason is StopReason.COMPLETED
    assert [epoch.epoch for epoch in seen] == [1, 2, 3, 4, 5]
    _assert_same(curves, seen)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)


def test_a_shuffled_epoch_is_that_of_keras_on_rows_in_that_order() -> None:
    training, _ = _labels()
    which = order(SEED, 0, ROWS)
    theirs, ours = _compiled(_regularised), _compiled(_regularised)

    curves = _keras(theirs, [], HeldRows(x=training.x[which], y=training.y[which]), epochs=1)
    _, seen = _ours(ours, [], training, epochs=1, shuffle=True)

    _assert_same(curves, seen)


def test_early_stopping_stops_at_the_same_epoch_and_restores_the_same_weights() -> None:
    training, _ = _labels()

    def stopping() -> list[keras.callbacks.Callback]:
        # A rate that overshoots: the loss is best in one of the first epochs.
        return [keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)]

    theirs, ours = _compiled(_plain, rate=0.5), _compiled(_plain, rate=0.5)
    curves = _keras(theirs, stopping(), training)
    reason, seen = _ours(ours, stopping(), training)

    assert len(curves["loss"]) < EPOCHS
    assert reason is StopReason.EARLY_STOPPED
    _assert_same(curves, seen)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)


def test_a_plateau_lowers_the_rate_from_the_next_epoch_on() -> None:
    training, _ = _labels()

    def plateau() -> list[keras.callbacks.Callback]:
        return [keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5, min_delta=10)]

    theirs, ours = _compiled(_plain), _compiled(_plain)
    curves = _keras(theirs, plateau(), training)
    _, seen = _ours(ours, plateau(), training)

    assert [epoch.learning_rate for epoch in seen] == pytest.approx(curves["learning_rate"])
    assert seen[-1].learning_rate < seen[0].learning_rate  # type: ignore[operator]
    _assert_same(curves, seen)


def test_the_rate_of_an_epoch_is_that_of_its_last_step() -> None:
    training, _ = _labels()
    steps = math.ceil(ROWS / BATCH)
    network = _compiled(_plain)
    halved = keras.optimizers.schedules.ExponentialDecay(0.1, steps, 0.5, staircase=True)
    network.compile(keras.optimizers.SGD(halved), loss="sparse_categorical_crossentropy")
    network.optimizer.build(network.trainable_variables)

    _, seen = _ours(network, [], training, epochs=3)

    assert [epoch.learning_rate for epoch in seen] == [0.1, 0.05, 0.025]


def test_class_weights_count_as_in_keras() -> None:
    training, _ = _labels()
    weight = {0: 1.0, 1: 5.0, 2: 0.2}
    weights = np.array([weight[label] for label in training.y], dtype="float32")
    theirs, ours = _compiled(_plain), _compiled(_plain)

    curves = _keras(theirs, [], training, class_weight=weight)
    _, seen = _ours(ours, [], HeldRows(x=training.x, y=training.y, weights=weights))

    _assert_same(curves, seen)


def test_a_loss_that_is_not_finite_ends_the_training_as_diverged() -> None:
    training, validation = _labels()
    network = keras.Sequential([layers.Input((8,)), layers.Dense(8), layers.Dense(1)])
    network.compile(keras.optimizers.SGD(1e6), loss="mse", jit_compile=False)

    reason, seen = _ours(network, [keras.callbacks.TerminateOnNaN()], training)

    assert reason is StopReason.DIVERGED
    assert len(seen) == 1
    assert not math.isfinite(seen[0].metrics["loss"])
    assert validation is not None


class _Slow(keras.callbacks.Callback):  # type: ignore[misc]
    """Hears of every batch, so that each is a call of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[int] = []
        self.losses: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        del logs
        self.begun.append(batch)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        del batch
        self.losses.append((logs or {})["loss"])


def test_a_training_stops_between_two_batches() -> None:
    training, _ = _labels()
    network = _compiled(_plain)
    calls = 0

    def between() -> None:
        nonlocal calls
        calls += 1
        if calls == 14:
            raise Interrupted(StopCause.CANCEL)

    loop = Loop(
        Program(network, batch_size=BATCH, example=training.take(slice(0, 1))),
        training=training,
        validation=None,
        schedule=Schedule(epochs=EPOCHS, seed=SEED),
        callbacks=[_Slow()],
        between=between,
    )
    with pytest.raises(Interrupted):
        loop.run()

    assert int(network.optimizer.iterations) == 13


def test_a_callback_hears_of_every_batch_what_fit_would_tell_it() -> None:
    training, _ = _labels()
    theirs, ours = _Slow(), _Slow()

    _keras(_compiled(_plain), [theirs], training, epochs=2)
    _ours(_compiled(_plain), [ours], training, epochs=2)

    assert ours.begun == theirs.begun == [*range(10), *range(10)]
    assert ours.losses == pytest.approx(theirs.losses, rel=1e-5)


class _Stopper(keras.callbacks.Callback):  # type: ignore[misc]
    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        del logs
        self.model.stop_training = batch == 3


def test_a_callback_may_stop_the_training_amidst_an_epoch() -> None:
    training, _ = _labels()
    network = _compiled(_plain)

    reason, seen = _ours(network, [_Stopper()], training)

    assert reason is StopReason.EARLY_STOPPED
    assert len(seen) == 1
    assert int(network.optimizer.iterations) == 4


def test_a_loss_that_is_not_finite_stops_at_the_step_where_fit_stops() -> None:
    training, _ = _labels()

    def network() -> keras.Model:
        keras.utils.set_random_seed(SEED)
        made = keras.Sequential([layers.Input((8,)), layers.Dense(8), layers.Dense(1)])
        made.compile(keras.optimizers.SGD(2.0), loss="mse", jit_compile=False)
        return made

    theirs, ours = network(), network()
    _keras(theirs, [keras.callbacks.TerminateOnNaN()], training)
    _ours(ours, [keras.callbacks.TerminateOnNaN()], training)

    assert int(ours.optimizer.iterations) == int(theirs.optimizer.iterations)
    assert 1 < int(ours.optimizer.iterations) < EPOCHS * 10


def test_somebody_is_asked_often_although_an_epoch_is_long() -> None:
    training, _ = _labels()
    network = keras.Sequential([layers.Input((8,)), layers.Dense(1)])
    network.compile("sgd", loss="mse", jit_compile=False)
    quick = network.train_step

    def slow(batch: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        tf.py_function(lambda: time.sleep(0.1), [], [])
        logs: dict[str, tf.Tensor] = quick(batch)
        return logs

    network.train_step = slow
    asked: list[float] = []
    Loop(
        Program(network, batch_size=10, example=training.take(slice(0, 1))),
        training=training,
        validation=None,
        schedule=Schedule(epochs=1, seed=SEED),
        callbacks=[],
        between=lambda: asked.append(time.monotonic()),
    ).run()

    gaps = np.diff(asked[2:])  # the first calls trace
    assert max(gaps) < 2 * CALL_SECONDS
    assert len(gaps) < 25  # yet not at every one of the 30 steps


def test_rows_that_do_not_fit_give_the_numbers_of_rows_that_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training, _ = _labels()
    whole, portioned = _compiled(_regularised), _compiled(_regularised)
    _, expected = _ours(whole, [], training, shuffle=True)

    monkeypatch.setattr(feed, "PORTION_BYTES", 70 * 36)  # two batches
    _, seen = _ours(portioned, [], training, shuffle=True, resident_bytes=0)

    assert [epoch.metrics for epoch in seen] == [epoch.metrics for epoch in expected]
    for mine, other in zip(portioned.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def _normalized() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((8,)),
            layers.Dense(16, "relu", kernel_regularizer=keras.regularizers.L2(0.01)),
            layers.BatchNormalization(),
            layers.Dense(3, "softmax"),
        ]
    )


# With layers that draw, XLA takes half a minute to compile, and `auto` does not choose it.
@pytest.mark.parametrize(("xla", "build"), [(False, _regularised), (True, _normalized)])
def test_a_program_gives_every_training_the_numbers_it_gives_it_alone(
    build: Callable[[], keras.Model], *, xla: bool
) -> None:
    training, validation = _labels()

    def trained(program: Program, seed: int, rate: float) -> list[dict[str, float]]:
        keras.utils.set_random_seed(seed)
        program.begin_anew(build(), rate)
        seen: list[Epoch] = []
        Loop(
            program,
            training=training,
            validation=validation,
            schedule=Schedule(epochs=2, seed=seed),
            callbacks=[keras.callbacks.ReduceLROnPlateau(patience=1, factor=0.5, min_delta=10)],
            on_epoch=seen.append,
        ).run()
        return [epoch.metrics for epoch in seen]

    def program() -> Program:
        example = training.take(slice(0, 1))
        return Program(_compiled(build), batch_size=BATCH, example=example, xla=xla)

    one, other = (1, 0.01), (2, 0.1)
    alone = {each: trained(program(), *each) for each in (one, other)}
    shared = program()
    assert alone[one] != alone[other]
    for each in (one, other, one):
        assert trained(shared, *each) == alone[each]


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone() -> None:
    first = order(7, 3, 100)

    assert (order(7, 3, 100) == first).all()
    assert sorted(first) == list(range(100))
    assert (order(7, 4, 100) != first).any()
    assert (order(8, 3, 100) != first).any()


def test_the_untrained_loss_is_measured_without_training() -> None:
    training, validation = _labels()
    network = _compiled(_plain)
    before = [weight.copy() for weight in network.get_weights()]
    expected = network.evaluate(training.x, training.y, verbose=0, return_dict=True)["loss"]
    loop = Loop(
        Program(network, batch_size=BATCH, example=training.take(slice(0, 1))),
        training=training,
        validation=validation,
        schedule=Schedule(epochs=1, seed=SEED),
        callbacks=[],
    )

    assert loop.initial_loss() == pytest.approx(expected, rel=1e-5)
    for mine, other in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)
