"""Every optimizer, schedule, loss and metric is really built, and a step is really trained."""

import math
from typing import Any, get_args

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from models.facts import DataFacts
from models.network_meaning import Resolved, resolve_network
from models.specs.compile import MAX_METRICS, CompileSpec, directions, metric_names
from models.specs.losses import AnyLoss, Auto, Encoding, LossSpec
from models.specs.metrics import AnyMetric
from models.specs.names import tag_of
from models.specs.network import NetworkSpec
from models.specs.optimizers import AnyOptimizer, OptimizerSpec
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network

ROWS = 12
HIDDEN = {"layer": "Dense", "units": 4, "activation": "tanh"}
RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(ROWS, 3)).astype("float32")

PAIR = DataFacts((3,), "classification", ("no", "yes"), ROWS)
THREE = DataFacts((3,), "classification", ("a", "b", "c"), ROWS)
NUMBER = DataFacts((3,), "regression", None, ROWS)
NUMBERS = DataFacts((3,), "regression", None, ROWS, outputs=2)

SCHEDULES: list[dict[str, Any]] = [
    {"schedule": "ExponentialDecay", "decay_steps": 2, "decay_rate": 0.5, "staircase": True},
    {"schedule": "InverseTimeDecay", "decay_steps": 2, "decay_rate": 0.5},
    {"schedule": "PolynomialDecay", "decay_steps": 2},
    {"schedule": "CosineDecay", "decay_steps": 2, "warmup_target": 0.2, "warmup_steps": 1},
    {"schedule": "CosineDecayRestarts", "first_decay_steps": 2},
]
PIECEWISE = {"schedule": "PiecewiseConstantDecay", "boundaries": [1, 2], "values": [0.1, 0.2, 0.3]}
ARGUMENTS: dict[str, dict[str, float]] = {
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "SparseTopKCategoricalAccuracy": {"k": 2},
    "TopKCategoricalAccuracy": {"k": 2},
}


def target(encoding: Encoding, facts: DataFacts) -> NDArray[Any]:
    """Targets written as models.specs.losses.Encoding says."""
    codes = np.arange(ROWS) % max(1, len(facts.classes or ()))
    written: dict[Encoding, NDArray[Any]] = {
        "sparse": codes.astype("int64"),
        "one_hot": np.eye(len(facts.classes or (0,)), dtype="float32")[codes],
        "binary": codes.astype("float32")[:, None],
        "number": RANDOM.uniform(0.5, 3, size=(ROWS, facts.outputs)).astype("float32"),
    }
    return written[encoding]


def resolved(facts: DataFacts, **compiled: Any) -> Resolved:
    network = NetworkSpec.model_validate({"layers": [HIDDEN]})
    return resolve_network(network, CompileSpec.model_validate(compiled), facts)


def trained(found: Resolved, facts: DataFacts, steps: int = 1) -> tuple[keras.Model, Any]:
    """The network after a few epochs of one batch, and Keras's own history."""
    network = build(found.network.layers, found.input_shape, seed=1)
    compile_network(network, found.compile)
    network.run_eagerly = True  # the numbers are the same, and tracing would take most of the time
    y = target(found.compile.loss.encoding, facts)
    fitted = network.fit(
        X, y, batch_size=ROWS, epochs=steps, validation_data=(X, y), shuffle=False, verbose=0
    )
    return network, fitted.history


@pytest.mark.parametrize("member", get_args(AnyOptimizer), ids=tag_of)
def test_every_optimizer_trains(member: type[OptimizerSpec]) -> None:
    optimizer = {"optimizer": tag_of(member), "learning_rate": 0.05, "weight_decay": 0.001}
    found = resolved(THREE, optimizer=optimizer | {"clipnorm": 1.0})
    before = build(found.network.layers, found.input_shape, seed=1).get_weights()
    network, history = trained(found, THREE, steps=2)
    assert type(network.optimizer).__name__ == tag_of(member)
    assert network.optimizer.clipnorm == 1.0
    assert all((old != new).any() for old, new in zip(before, network.get_weights(), strict=True))
    assert math.isfinite(history["loss"][-1])


@pytest.mark.parametrize(
    "schedule",
    [PIECEWISE, *({"initial_learning_rate": 0.1, **each} for each in SCHEDULES)],
    ids=lambda schedule: schedule["schedule"],
)
def test_every_schedule_moves_the_learning_rate(schedule: dict[str, Any]) -> None:
    found = resolved(THREE, optimizer={"optimizer": "SGD", "learning_rate": schedule})
    network, _ = trained(found, THREE, steps=3)
    # Keras steps into the next piece behind a boundary; polynomial and cosine have ended by then.
    start = schedule.get("initial_learning_rate", 0.1)
    assert float(network.optimizer.learning_rate) != pytest.approx(start)


@pytest.mark.parametrize(
    "member", [each for each in get_args(AnyLoss) if each is not Auto], ids=tag_of
)
def test_every_loss_trains_with_the_output_that_auto_gives_it(member: type[LossSpec]) -> None:
    facts = {"binary": PAIR, "number": NUMBERS}.get(member.encoding, THREE)
    found = resolved(facts, loss={"loss": tag_of(member)})
    network, history = trained(found, facts, steps=2)
    assert type(network.loss).__name__ == tag_of(member)
    assert network.output_shape == (None, *found.summary.output_shape)
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize(
    ("loss", "facts"),
    [
        ("sparse_categorical_crossentropy", THREE),
        ("categorical_crossentropy", THREE),
        ("binary_crossentropy", PAIR),
        ("poisson", NUMBERS),
    ],
)
def test_every_metric_reports_one_finite_number_under_its_name(loss: str, facts: DataFacts) -> None:
    encoding = resolved(facts, loss=loss).compile.loss.encoding
    metrics = [
        {"metric": tag_of(member), **ARGUMENTS.get(tag_of(member), {})}
        for member in get_args(AnyMetric)
        if encoding in member.encodings
    ]
    for some in (metrics[:MAX_METRICS], metrics[MAX_METRICS:]):
        found = resolved(facts, loss=loss, metrics=some)
        network, history = trained(found, facts)
        names = metric_names(found.compile)
        assert set(history) == {*names, *(f"val_{name}" for name in names)}
        assert all(np.ndim(value) == 0 and math.isfinite(value) for (value,) in history.values())
        for metric in network.metrics[1].metrics:
            way = getattr(metric, "_direction", None)
            assert directions(found.compile)[metric.name] == way


def test_accuracy_is_the_number_keras_gives_for_that_word() -> None:
    for facts, loss in [(THREE, "auto"), (THREE, "categorical_crossentropy"), (PAIR, "bce")]:
        found = resolved(facts, loss=loss, metrics=["accuracy"])
        ours, history = trained(found, facts)
        keras_own = build(found.network.layers, found.input_shape, seed=1)
        keras_own.compile(optimizer=keras.optimizers.Adam(), loss=ours.loss, metrics=["accuracy"])
        keras_own.run_eagerly = True
        y = target(found.compile.loss.encoding, facts)
        expected = keras_own.fit(X, y, batch_size=ROWS, shuffle=False, verbose=0).history
        assert history["accuracy"] == expected["accuracy"]
        assert history["loss"] == pytest.approx(expected["loss"])


def test_several_metrics_of_one_kind_keep_their_names() -> None:
    metrics = ["mae", "MSE", "mean_squared_error", {"metric": "R2Score", "name": "r2"}]
    found = resolved(NUMBER, metrics=metrics)
    _, history = trained(found, NUMBER)
    assert {"loss", "mae", "MSE", "mean_squared_error", "r2"} <= set(history)
