"""The loop gives the numbers that `keras.Model.fit` gives."""

import math
from collections.abc import Callable

import keras
import numpy as np
import pytest

from models.lifecycle import StopReason
from worker.messages import Epoch, StopCause
from worker.trainer.loop import Loop, Rows, Schedule
from worker.trainer.randomness import Reseed, order
from worker.trainer.wire import Interrupted

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

BATCH = 32
ROWS = 300  # no multiple of the batch: the last one is partial
SEED = 11
EPOCHS = 5

layers = keras.layers


def _labels() -> tuple[Rows, Rows]:
    """Three classes that a small network learns in a few epochs."""
    chance = np.random.default_rng(3)
    centres = chance.normal(size=(3, 8)) * 2
    y = chance.integers(0, 3, ROWS + 100)
    x = (centres[y] + chance.normal(size=(len(y), 8))).astype("float32")
    return Rows(x=x[:ROWS], y=y[:ROWS]), Rows(x=x[ROWS:], y=y[ROWS:])


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


def _compiled(build: Callable[[], keras.Model], rate: float = 0.01) -> keras.Model:
    keras.utils.set_random_seed(SEED)
    network = build()
    network.compile(
        keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=2)],
        jit_compile=False,
    )
    return network


def _ours(
    network: keras.Model,
    callbacks: list[keras.callbacks.Callback],
    training: Rows,
    *,
    epochs: int = EPOCHS,
    shuffle: bool = False,
) -> tuple[StopReason, list[Epoch]]:
    seen: list[Epoch] = []
    loop = Loop(
        network,
        training=training,
        validation=_labels()[1],
        schedule=Schedule(epochs=epochs, batch_size=BATCH, seed=SEED, shuffle=shuffle),
        callbacks=callbacks,
        on_epoch=seen.append,
    )
    return loop.run(), seen


def _keras(
    network: keras.Model,
    callbacks: list[keras.callbacks.Callback],
    training: Rows,
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

    curves = _keras(theirs, [], Rows(x=training.x[which], y=training.y[which]), epochs=1)
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


def test_class_weights_count_as_in_keras() -> None:
    training, _ = _labels()
    weight = {0: 1.0, 1: 5.0, 2: 0.2}
    weights = np.array([weight[label] for label in training.y], dtype="float32")
    theirs, ours = _compiled(_plain), _compiled(_plain)

    curves = _keras(theirs, [], training, class_weight=weight)
    _, seen = _ours(ours, [], Rows(x=training.x, y=training.y, weights=weights))

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


def test_a_training_stops_between_two_batches() -> None:
    training, _ = _labels()
    network = _compiled(_plain)
    batches = 0

    def between() -> None:
        nonlocal batches
        batches += 1
        if batches == 14:
            raise Interrupted(StopCause.CANCEL)

    loop = Loop(
        network,
        training=training,
        validation=None,
        schedule=Schedule(epochs=EPOCHS, batch_size=BATCH, seed=SEED),
        callbacks=[],
        between=between,
    )
    with pytest.raises(Interrupted):
        loop.run()

    assert int(network.optimizer.iterations) == 13


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
        network,
        training=training,
        validation=validation,
        schedule=Schedule(epochs=1, batch_size=BATCH, seed=SEED),
        callbacks=[],
    )

    assert loop.initial_loss() == pytest.approx(expected, rel=1e-5)
    for mine, other in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)
