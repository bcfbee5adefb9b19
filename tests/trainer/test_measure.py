"""What is measured of a network is what one would reckon by hand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from models.measurements import LayerMeasurement, Measurement
from models.specs.shapes import layer_names
from models.trial import TrialSpec
from tests.trainer.menagerie.members import MEMBERS, Member
from tests.trainer.trials import trial
from worker.messages import (
    StopCause,
)
from worker.trainer import measure
from worker.trainer.lack_of_fit import lack_of_fit
from worker.trainer.loop import Loop, Position, Schedule
from worker.trainer.measure import Measuring
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network
from worker.trainer.program import Program
from worker.trainer.rows import HeldRows
from worker.trainer.wire import Interrupted

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SOFTMAX = {"layer": "Dense", "units": 3, "activation": "softmax"}
LINEAR = {"layer": "Dense", "units": 1}
SGD = {"optimizer": "SGD", "learning_rate": 0.1}
ROWS = 40


def nothing() -> None:
    """Nobody wants it to stop."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A network with its rows, and what measures it."""

    spec: TrialSpec
    network: keras.Model
    program: Program
    rows: HeldRows
    validation: HeldRows | None
    measuring: Measuring

    def begin(self) -> Measurement:
        return self.measuring.begin(nothing)

    def ended(self, epoch: int, *, last: bool = True) -> Measurement | None:
        return self.measuring.epoch_ended(epoch, last=last, between=nothing)


def _ready(spec: TrialSpec, rows: HeldRows, validation: HeldRows | None = None) -> Measured:
    network = build(spec.network.layers, rows.x.shape[1:], spec.seed, spec.compile.precision)
    compile_network(network, spec.compile)
    program = Program(network, batch_size=spec.fit.batch_size, example=rows.take(slice(0, 1)))
    measuring = Measuring(program, trial=spec, training=rows, validation=validation)
    return Measured(spec, network, program, rows, validation, measuring)


def _classes(rows: int = ROWS, shape: tuple[int, ...] = (4,), seed: int = 1) -> HeldRows:
    chance = np.random.default_rng(seed)
    x = chance.normal(size=(rows, *shape)).astype("float32")
    return HeldRows(x=x, y=np.arange(rows) % 3)


def _numbers(rows: int = ROWS) -> HeldRows:
    x = np.random.default_rng(2).normal(size=(rows, 4)).astype("float32")
    return HeldRows(x=x, y=x[:, :1] * 2 + 1)


def _layer(layer: dict[str, Any], *weights: Any, rows: HeldRows | None = None) -> LayerMeasurement:
    """Of a network's first layer, with these weights."""
    ready = _ready(trial(layers=[layer, {"layer": "Flatten"}, SOFTMAX]), rows or _classes())
    ready.network.layers[1].set_weights([np.asarray(each, "float32") for each in weights])
    return ready.begin().layers[0]


def test_relu_units_that_never_put_out_anything_are_dead_silent_and_all_zeros() -> None:
    dense = {"layer": "Dense", "units": 5, "activation": "relu"}

    found = _layer(dense, np.full((4, 5), 0.01), np.full(5, -10))

    assert (found.units, found.dead, found.silent, found.zeros) == (5, 1.0, 1.0, 1.0)
    assert (found.kernel_gradient, found.bias_gradient) == (0.0, 0.0)
    assert found.saturated is None


def test_a_share_of_zeros_is_no_share_of_dead_units() -> None:
    dense = {"layer": "Dense", "units": 4, "activation": "relu"}
    x = np.asarray(_classes().x, "float32")

    found = _layer(dense, np.eye(4), [0, 0, 0, -100])

    assert found.zeros == pytest.approx(np.mean([*(x[:, :3] <= 0).T, np.ones(ROWS)]), rel=1e-5)
    assert (found.dead, found.silent) == (0.25, 0.25)


def test_a_channel_is_alive_that_puts_out_something_at_one_place_of_one_row() -> None:
    """Three channels see one bright pixel: as it is, never, and all the same everywhere."""
    x = np.zeros((ROWS, 5, 5, 1), "float32")
    x[7, 2, 3, 0] = 1
    rows = HeldRows(x=x, y=_classes().y)
    layer = {"layer": "Conv2D", "filters": 3, "kernel_size": 1, "activation": "relu"}

    found = _layer(layer, [[[[1, -1, 0]]]], [0, 0, 2], rows=rows)

    assert found.units == 3
    assert found.dead == pytest.approx(1 / 3, rel=1e-5)
    assert found.silent == pytest.approx(2 / 3, rel=1e-5)
    assert found.zeros == pytest.approx((2 * 25 * ROWS - 1) / (3 * 25 * ROWS), rel=1e-5)


@pytest.mark.parametrize(
    ("activation", "just_flat", "not_yet"), [("tanh", -3.01, 2.99), ("sigmoid", 4.61, -4.59)]
)
def test_units_on_a_flat_end_for_nearly_all_rows_are_saturated(
    activation: str, just_flat: float, not_yet: float
) -> None:
    """The third unit is flat on 90 % of the rows, of which none is told from the others."""
    x = np.ones((ROWS, 1), "float32")
    x[: ROWS // 10] = 0
    rows = HeldRows(x=x, y=_classes().y)
    layer = {"layer": "Dense", "units": 4, "activation": activation}

    found = _layer(layer, [[0, 0, 9, 0]], [just_flat, not_yet, 0, 0], rows=rows)

    assert found.saturated == 0.25
    assert found.silent == 0.75
    assert found.dead is None


@pytest.mark.parametrize("activation", ["linear", "softmax", "elu", "leaky_relu"])
def test_what_can_neither_die_nor_saturate_says_nothing_of_it(activation: str) -> None:
    found = _layer(
        {"layer": "Dense", "units": 2, "activation": activation}, np.ones((4, 2)), [0, 0]
    )

    assert (found.dead, found.saturated) == (None, None)


def test_layers_with_weights_or_an_activation_are_measured_by_their_names() -> None:
    layers: list[dict[str, Any]] = [
        {"layer": "Dense", "units": 4},
        {"layer": "BatchNormalization"},
        {"layer": "Activation", "activation": "relu"},
        {"layer": "Dropout", "rate": 0.5},
        {"layer": "LeakyReLU", "name": "leaking"},
        {"layer": "Dense", "units": 4, "use_bias": False},
        SOFTMAX,
    ]
    spec = trial(layers=layers)

    found = _ready(spec, _classes()).begin().layers

    names = list(layer_names(spec.network.layers))
    assert [each.layer for each in found] == [*names[:3], *names[4:]]
    _, normalized, activation, _, unbiased, _ = found
    assert (normalized.kernel_norm, normalized.bias_norm) == (2.0, 0.0)  # four ones, four zeros
    assert normalized.kernel_gradient is not None
    assert activation.dead is not None
    of_weights = (activation.kernel_norm, activation.kernel_gradient, activation.update_ratio)
    assert of_weights == (None,) * 3
    assert (unbiased.bias_norm, unbiased.bias_gradient) == (None, None)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_gradients_are_those_of_the_mean_loss_without_weights_and_penalties(precision: str) -> None:
    hidden = {"layer": "Dense", "units": 8, "activation": "tanh", "kernel_regularizer": "l2"}
    plain = _classes()
    rows = HeldRows(x=plain.x, y=plain.y, weights=np.linspace(0, 9, ROWS, dtype="float32"))
    spec = trial(layers=[hidden, SOFTMAX], compile={"precision": precision})
    ready = _ready(spec, rows)
    exact = build(spec.network.layers, (4,), spec.seed)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(
            keras.losses.sparse_categorical_crossentropy(rows.y, exact(rows.x, training=False))
        )
    expected = [float(tf.norm(each)) for each in tape.gradient(loss, exact.trainable_weights)]

    found = ready.begin()

    near = 1e-5 if precision == "float32" else 0.02
    assert found.loss == pytest.approx(float(loss), rel=near)
    assert [
        norm for each in found.layers for norm in (each.kernel_gradient, each.bias_gradient)
    ] == pytest.approx(expected, rel=near)
    kernels = exact.get_weights()[::2]
    assert [each.kernel_norm for each in found.layers] == pytest.approx(
        [np.linalg.norm(kernel) for kernel in kernels], rel=1e-5
    )


@pytest.mark.parametrize("xla", [False, True])
def test_an_update_is_how_far_an_epoch_has_led_from_its_first_weights(*, xla: bool) -> None:
    spec = trial(layers=[SOFTMAX], compile={"optimizer": SGD}, fit={"batch_size": 8})
    rows, validation = _classes(), _classes(30, seed=5)
    network = build(spec.network.layers, (4,), spec.seed)
    compile_network(network, spec.compile)
    program = Program(network, batch_size=8, example=rows.take(slice(0, 1)), xla=xla)
    measuring = Measuring(program, trial=spec, training=rows, validation=validation)
    weights, losses = [_flat(network)], [_row_losses(network, validation)]
    found = [measuring.begin(nothing)]

    def after_epoch(position: Position) -> None:
        weights.append(_flat(network))
        losses.append(_row_losses(network, validation))
        one = measuring.epoch_ended(position.epoch, last=True, between=nothing)
        assert one is not None
        found.append(one)

    Loop(
        program,
        training=rows,
        validation=validation,
        schedule=Schedule(epochs=3, seed=1),
        callbacks=[],
        before_epoch=measuring.epoch_begins,
        after_epoch=after_epoch,
    ).run()

    assert found[0].layers[0].update_ratio is None
    assert [each.layers[0].update_ratio for each in found[1:]] == pytest.approx(
        [
            np.linalg.norm(now - before) / np.linalg.norm(before)
            for before, now in pairwise(weights)
        ],
        rel=1e-4,
    )
    assert found[0].since_last is None
    for epoch in (1, 2, 3):
        paired = found[epoch].since_last
        difference = losses[epoch] - losses[epoch - 1]
        assert paired is not None
        assert (paired.since, paired.rows) == (epoch - 1, 30)
        assert paired.mean == pytest.approx(difference.mean(), rel=1e-4, abs=1e-7)
        error = difference.std(ddof=1) / math.sqrt(30)
        assert paired.standard_error == pytest.approx(error, rel=1e-4)


def _flat(network: keras.Model) -> NDArray[np.float32]:
    return np.concatenate([each.ravel() for each in network.get_weights()])


def _row_losses(network: keras.Model, rows: HeldRows) -> NDArray[np.float64]:
    predicted = network(rows.x, training=False)
    each = keras.losses.sparse_categorical_crossentropy(rows.y, predicted)
    return np.asarray(each, np.float64)


def test_the_best_epoch_is_the_earlier_one_with_the_lowest_mean() -> None:
    """A network of one bias, which is set: its losses are those of x + bias."""
    rows = _numbers()
    ready = _ready(trial(layers=[LINEAR], loss="mse", compile={"optimizer": SGD}), rows, rows)
    dense = ready.network.layers[1]
    truth = [np.array([[2], [0], [0], [0]], "float32")]
    since: list[Any] = []

    for epoch, bias in enumerate((5.0, 2.0, 1.5, 3.0, 1.0, 4.0)):
        dense.set_weights([*truth, np.array([bias], "float32")])
        found = ready.begin() if epoch == 0 else ready.ended(epoch)
        assert found is not None
        best, last = found.since_best, found.since_last
        since.append(None if best is None or last is None else (best.since, best.mean, last.mean))

    assert since[0] is None
    assert [each for each in since if each] == [
        (0, pytest.approx(1 - 16, rel=1e-5), pytest.approx(1 - 16, rel=1e-5)),
        (1, pytest.approx(0.25 - 1, rel=1e-5), pytest.approx(0.25 - 1, rel=1e-5)),
        (2, pytest.approx(4 - 0.25, rel=1e-5), pytest.approx(4 - 0.25, rel=1e-5)),
        (2, pytest.approx(-0.25, rel=1e-5), pytest.approx(-4, rel=1e-5)),
        (4, pytest.approx(9, rel=1e-5), pytest.approx(9, rel=1e-5)),
    ]


def test_one_class_for_all_rows_is_seen_and_that_the_rarest_is_not_recognised() -> None:
    y = np.array([0] * 30 + [1] * 8 + [2] * 2)
    ready = _ready(trial(layers=[SOFTMAX]), HeldRows(x=_classes().x * 50, y=y))
    bias = np.array([1e4, 0, 0], "float32")

    ready.network.layers[1].set_weights([np.zeros((4, 3), "float32"), bias])
    one = ready.begin()
    ready.network.layers[1].set_weights([np.zeros((4, 3), "float32"), bias[::-1]])
    other = ready.ended(1)

    assert (one.commonest, one.minority, one.minority_recall) == (1.0, 0.05, 0.0)
    assert other is not None
    assert (other.commonest, other.minority_recall) == (1.0, 1.0)
    assert one.largest_input == pytest.approx(np.abs(ready.rows.x).max(), rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "activation", "bias", "commonest"),
    [
        ("BinaryCrossentropy", "sigmoid", 0.4, 1.0),
        ({"loss": "BinaryCrossentropy", "from_logits": True}, "linear", 0.4, 1.0),
        ("Hinge", "tanh", -0.4, 1.0),
    ],
)
def test_one_output_says_which_of_two_classes_by_its_own_threshold(
    loss: Any, activation: str, bias: float, commonest: float
) -> None:
    y = (np.arange(ROWS) < 4).astype("float32")[:, None]
    spec = trial(layers=[LINEAR | {"activation": activation}], loss=loss)
    ready = _ready(spec, HeldRows(x=_classes().x, y=y))
    ready.network.layers[1].set_weights([np.zeros((4, 1), "float32"), np.array([bias], "float32")])

    found = ready.begin()

    assert (found.commonest, found.minority) == (commonest, 0.1)
    assert found.minority_recall == (1.0 if bias > 0 else 0.0)


def test_a_regression_has_no_classes() -> None:
    found = _ready(trial(layers=[LINEAR], loss="mse"), _numbers()).begin()

    assert (found.commonest, found.minority, found.minority_recall) == (None, None, None)
    assert found.prior == pytest.approx(_numbers().y.var(), rel=1e-5)


@pytest.mark.parametrize(("most", "step"), [(3 * ROWS, 1), (3 * ROWS - 1, 2)])
def test_at_the_end_it_is_told_what_the_inputs_explain_of_weighed_residuals(
    monkeypatch: pytest.MonkeyPatch, most: int, step: int
) -> None:
    monkeypatch.setattr(measure, "MOST_RESIDUALS", most)
    x = np.random.default_rng(1).normal(size=(ROWS, 4)).astype("float32")
    y, weights = (x[:, 0] > 0).astype(int), np.arange(ROWS, dtype=np.float32) % 3 + 1
    ready = _ready(trial(layers=[SOFTMAX]), HeldRows(x=x, y=y, weights=weights))
    assert ready.begin().lack_of_fit is None

    found = ready.ended(1)

    left = np.eye(3)[y] - ready.network.predict(x, verbose=0)
    expected = lack_of_fit(x[::step], (left * weights[:, None])[::step], ready.spec.seed)
    assert found is not None
    assert found.lack_of_fit is not None
    assert expected is not None
    assert found.lack_of_fit.share == pytest.approx(expected.share, rel=1e-4)
    assert found.lack_of_fit.share > 0.1
    assert found.lack_of_fit.standard_error == pytest.approx(expected.standard_error, rel=1e-4)


def test_behind_what_is_not_finite_nothing_is_said() -> None:
    hidden = {"layer": "Dense", "units": 4, "activation": "relu"}
    ready = _ready(trial(layers=[hidden, hidden, SOFTMAX]), _classes())
    kernel, bias = ready.network.layers[2].get_weights()
    kernel[1, 1] = np.nan
    ready.network.layers[2].set_weights([kernel, bias])

    found = ready.begin()

    first, second, third = found.layers
    assert first.dead is not None
    assert (second.dead, second.zeros, second.silent, second.kernel_norm) == (None,) * 4
    assert (third.zeros, third.silent) == (None, None)
    assert third.kernel_norm is not None


def test_a_loss_that_is_not_finite_is_none_and_nothing_is_recognised() -> None:
    ready = _ready(trial(layers=[SOFTMAX]), _classes(), _classes())
    ready.begin()
    ready.network.layers[1].set_weights([np.full((4, 3), np.nan), np.zeros(3)])

    found = ready.ended(1)

    assert found is not None
    assert (found.loss, found.commonest, found.minority_recall) == (None, None, None)
    assert (found.since_best, found.since_last, found.layers[0].update_ratio) == (None, None, None)
    assert found.prior is not None


# They have every layer and every loss; the others combine them anew.
FEW_MEMBERS = MEMBERS[:24]


def _parts(members: Sequence[Member]) -> set[str]:
    layers = (layer.keras_name for member in members for layer in member.spec.network.layers)
    return {*layers, *(member.spec.compile.loss.keras_name for member in members)}


def test_few_members_have_every_layer_and_every_loss() -> None:
    assert _parts(FEW_MEMBERS) == _parts(MEMBERS)


@pytest.mark.parametrize("member", FEW_MEMBERS, ids=lambda member: member.name)
def test_whatever_a_spec_asks_for_is_measured_and_stays_as_it_was(member: Member) -> None:
    data = member.data()
    ready = _ready(member.spec, data.training, data.validation)
    network = ready.network
    before = _everything(network)

    found = ready.begin()

    for mine, other in zip(_everything(network), before, strict=True):
        np.testing.assert_array_equal(mine, other)
    x, y = data.training.x, data.training.y
    output = network(x, training=False)
    whole = float(network.loss(y, output))
    assert found.rows == len(x)
    assert found.loss == pytest.approx(whole, rel=1e-4, abs=1e-6)
    assert found.prior is not None
    assert found.layers[-1].layer == network.layers[-1].name


def _everything(network: keras.Model) -> list[Any]:
    """Random states and metrics too."""
    metrics = [variable for metric in network.metrics for variable in metric.variables]
    variables = [*network.variables, *network.optimizer.variables, *metrics]
    return [np.array(each) for each in variables]


def test_a_network_without_weights_is_measured() -> None:
    rows = HeldRows(x=_classes(shape=(3,)).x, y=_classes().y)
    spec = trial(layers=[{"layer": "Activation", "activation": "softmax"}])

    (layer,) = _ready(spec, rows).begin().layers

    assert (layer.kernel_norm, layer.kernel_gradient, layer.update_ratio) == (None,) * 3
    assert layer.zeros == 0


def test_of_many_rows_some_are_drawn_by_the_seed_and_large_ones_are_fewer() -> None:
    many = _classes(5000)
    few = _ready(trial(layers=[SOFTMAX]), _classes(100)).begin()
    one, again = (_ready(trial(layers=[SOFTMAX]), many).begin() for _ in range(2))
    other = _ready(trial(layers=[SOFTMAX], seed=8), many).begin()
    wide = {"layer": "Dense", "units": 40_000, "kernel_initializer": "zeros"}
    large = _ready(
        trial(
            layers=[
                wide,
                {"layer": "Reshape", "target_shape": [200, 200]},
                {"layer": "GlobalAveragePooling1D"},
                SOFTMAX,
            ]
        ),
        many,
    ).begin()

    assert few.rows == 100
    assert one.rows == 2048
    assert one == again
    assert one.largest_input != other.largest_input
    assert 32 <= large.rows < 400


def test_a_stop_is_heeded_between_two_passes() -> None:
    ready = _ready(trial(layers=[SOFTMAX]), _classes(), _classes())
    asked = 0

    def between() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise Interrupted(StopCause.CANCEL)

    with pytest.raises(Interrupted):
        ready.measuring.begin(between)
