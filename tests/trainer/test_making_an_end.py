"""A training that is told to make an end: the epoch in hand is the last, the best weights stay."""

import numpy as np
import pytest

from models.lifecycle import StopReason
from tests.trainer.trials import trial
from worker.messages import Epoch
from worker.trainer.loop import Loop, Position, Schedule
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network
from worker.trainer.program import Program
from worker.trainer.rows import HeldRows
from worker.trainer.trial import callbacks

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROWS = 64


def test_the_epoch_in_hand_is_the_last_and_the_best_weights_are_restored() -> None:
    chance = np.random.default_rng(3)
    x = chance.normal(size=(ROWS, 4)).astype("float32")
    y = (x[:, 0] > 0).astype("int64")
    # A rate that is too high after the first steps: the best epoch is not the last one.
    spec = trial(
        layers=[
            {"layer": "Dense", "units": 4, "activation": "relu"},
            {"layer": "Dense", "units": 2, "activation": "softmax"},
        ],
        compile={"optimizer": {"optimizer": "SGD", "learning_rate": 2.0}},
        fit={"epochs": 50, "early_stopping": {"patience": 40}},
    )
    network = build(spec.network.layers, (4,), spec.seed)
    compile_network(network, spec.compile)
    rows = HeldRows(x=x, y=y)
    seen: list[Epoch] = []
    positions: list[Position] = []
    loop = Loop(
        Program(network, batch_size=8, example=rows.take(slice(0, 1))),
        training=rows,
        validation=rows,
        schedule=Schedule(epochs=50, seed=1),
        callbacks=callbacks(spec),
        on_epoch=seen.append,
        enough=lambda: len(seen) == 4,
        after_epoch=positions.append,
    )

    assert loop.run() is StopReason.PRUNED

    assert [row.epoch for row in seen] == [1, 2, 3, 4]
    assert positions[-1] == Position(epoch=4, ending=StopReason.PRUNED)
    losses = [row.metrics["val_loss"] for row in seen]
    assert min(losses) < losses[-1]
    assert loop.initial_loss() == pytest.approx(min(losses), rel=1e-6)
