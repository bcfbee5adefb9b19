"""A network may compute in 16 bits: it learns, its rate moves, and its file predicts anywhere."""

from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest

from health.rules import divergence
from models.lifecycle import StopReason
from models.specs.compile import Precision
from models.trial import TrialSpec
from store.formats.builtin import write_bundled
from tests.trainer.trials import trial
from tests.trainer.wires import Heard
from worker.messages import Epoch, Epochs, Finished, Started, Train
from worker.trainer.loop import Loop, Schedule
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network
from worker.trainer.program import Program
from worker.trainer.programs import Programs
from worker.trainer.rows import HeldRows
from worker.trainer.trial import attempt

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MIXED: tuple[Precision, ...] = ("mixed_bfloat16", "mixed_float16")
LAYERS: list[dict[str, Any]] = [
    {"layer": "Dense", "units": 32, "activation": "relu", "kernel_regularizer": "l2"},
    {"layer": "BatchNormalization"},
    {"layer": "Dense", "units": 10, "activation": "softmax"},
]


@pytest.mark.parametrize("precision", MIXED)
def test_a_trial_in_16_bits_learns_and_its_file_predicts_in_float32(
    tmp_path: Path, precision: Precision
) -> None:
    profile = write_bundled("digits", tmp_path)
    spec = trial(
        layers=LAYERS,
        fit={
            "epochs": 4,
            "reduce_lr_on_plateau": {"patience": 1, "factor": 0.5, "min_delta": 10},
        },
        compile={"precision": precision, "optimizer": {"optimizer": "Adam", "clipnorm": 1.0}},
    )
    wire, file = Heard(), tmp_path / "n.keras"

    ended = attempt(
        Train(trial=spec, profile=profile, folder=str(tmp_path), network=str(file)),
        wire,
        Programs(),
    )

    assert isinstance(ended, Finished), ended
    assert ended.stop_reason is StopReason.COMPLETED
    (started,) = [each for each in wire.reports if isinstance(each, Started)]
    assert started.engine["precision"] == precision
    assert f"{precision} gains nothing on a CPU" in str(started.engine["reason"])
    rows = [row for each in wire.reports if isinstance(each, Epochs) for row in each.rows]
    assert rows[-1].metrics["val_loss"] < rows[0].metrics["val_loss"]
    assert [row.learning_rate for row in rows] == [0.001, 0.001, 0.0005, 0.00025]
    loaded = keras.saving.load_model(file)
    policies = {layer.dtype_policy.name for layer in loaded.get_layer("network").layers}
    assert policies == {"float32"}


@pytest.mark.parametrize("precision", get_args(Precision))
def test_the_last_layer_and_every_variable_are_float32(precision: Precision) -> None:
    network = _network(trial(layers=LAYERS, compile={"precision": precision}), 64)

    computed = [layer.compute_dtype for layer in network.layers[1:]]
    assert computed == [*[precision.removeprefix("mixed_")] * 2, "float32"]
    assert network.output.dtype == "float32"
    assert {weight.dtype for weight in network.weights} == {"float32"}
    assert network.count_params() == _network(trial(layers=LAYERS), 64).count_params()
    scaled = isinstance(network.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled is (precision == "mixed_float16")


def test_a_step_that_is_skipped_for_its_scale_is_no_divergence() -> None:
    """Gradients of a loss of thousands, scaled by 2^15, are beyond what 16 bits can say."""
    spec = trial(
        layers=[
            {"layer": "Dense", "units": 8, "activation": "relu"},
            {"layer": "Dense", "units": 1},
        ],
        loss="MeanSquaredError",
        compile={
            "precision": "mixed_float16",
            "optimizer": {"optimizer": "SGD", "learning_rate": 1e-4},
        },
    )
    chance = np.random.default_rng(5)
    x = chance.normal(size=(64, 4)).astype("float32")
    rows = HeldRows(x=x, y=(50 + x @ np.ones((4, 1))).astype("float32"))
    network = _network(spec, 4)
    seen: list[Epoch] = []
    loop = Loop(
        Program(network, batch_size=8, example=rows.take(slice(0, 1))),
        training=rows,
        validation=None,
        schedule=Schedule(epochs=6, seed=1),
        callbacks=[keras.callbacks.TerminateOnNaN()],
        on_epoch=seen.append,
    )
    first = loop.initial_loss()

    ending = loop.run()

    optimizer = network.optimizer
    assert float(optimizer.dynamic_scale) < optimizer.initial_scale
    assert int(optimizer.iterations) < 6 * 8
    assert ending is StopReason.COMPLETED
    losses = [row.metrics["loss"] for row in seen]
    assert losses[-1] < losses[0]
    assert divergence.judge(first, losses) is None


def _network(spec: TrialSpec, inputs: int) -> keras.Model:
    network = build(spec.network.layers, (inputs,), spec.seed, spec.compile.precision)
    compile_network(network, spec.compile)
    return network
