"""Programs are shared by trials that compute the same, and by no others."""

from typing import Any, get_args

import keras
import numpy as np
import pytest

from models.specs.names import tag_of
from models.specs.optimizers import AnyOptimizer
from models.trial import TrialSpec
from tests.trainer.trials import trial
from worker.trainer.network import build
from worker.trainer.optimizer import compile_network
from worker.trainer.program import Program
from worker.trainer.programs import GRAPH_BYTES, Programs, key
from worker.trainer.rows import HeldRows

ROWS = HeldRows(x=np.zeros((4, 3), "float32"), y=np.zeros(4, "int64"))
EXAMPLE = ROWS.take(slice(0, 1))

LAYERS: list[dict[str, Any]] = [
    {"layer": "Dense", "units": 4, "kernel_regularizer": {"regularizer": "L2", "l2": 0.01}},
    {"layer": "Dropout", "rate": 0.5},
    {"layer": "Dense", "units": 2, "activation": "softmax"},
]


def _trial(**changes: Any) -> TrialSpec:
    layers = changes.pop("layers", LAYERS)
    optimizer = {"optimizer": "Adam", "learning_rate": 0.01} | changes.pop("optimizer", {})
    compiled = {"optimizer": optimizer} | changes.pop("compile", {})
    return trial(layers=layers, compile=compiled, **changes)


def _layers(number: int, **changes: Any) -> list[dict[str, Any]]:
    return [layer | (changes if n == number else {}) for n, layer in enumerate(LAYERS)]


def _key(spec: TrialSpec) -> str:
    return key(spec, EXAMPLE, xla=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": {"learning_rate": 0.5}},
        {"fit": {"epochs": 7}},
        {"fit": {"early_stopping": {"patience": 5}}},
        {"compile": {"jit_compile": False}},
    ],
)
def test_trials_that_compute_the_same_share_a_program(changes: dict[str, Any]) -> None:
    assert _key(_trial(**changes)) == _key(_trial())


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": {"beta_1": 0.5}},
        {"optimizer": {"clipnorm": 1.0}},
        {"optimizer": {"weight_decay": 0.1}},
        {"optimizer": {"optimizer": "Nadam"}},
        {
            "optimizer": {
                "learning_rate": {
                    "schedule": "ExponentialDecay",
                    "initial_learning_rate": 0.01,
                    "decay_steps": 10,
                    "decay_rate": 0.9,
                }
            }
        },
        {"compile": {"loss": {"loss": "SparseCategoricalCrossentropy", "from_logits": True}}},
        {"compile": {"metrics": ["accuracy"]}},
        {"compile": {"precision": "mixed_bfloat16"}},
        {"fit": {"batch_size": 8}},
        {"layers": _layers(0, units=5)},
        {"layers": _layers(0, activation="relu")},
        {"layers": _layers(0, kernel_regularizer={"regularizer": "L2", "l2": 0.02})},
        {"layers": _layers(1, rate=0.4)},
        {"layers": LAYERS[::2]},
    ],
)
def test_trials_that_differ_in_a_constant_do_not(changes: dict[str, Any]) -> None:
    assert _key(_trial(**changes)) != _key(_trial())


def test_rows_of_another_kind_take_another_program() -> None:
    spec = _trial()
    wide = HeldRows(x=np.zeros((4, 5), "float32"), y=ROWS.y).take(slice(0, 1))
    weighted = HeldRows(x=ROWS.x, y=ROWS.y, weights=np.ones(4, "float32")).take(slice(0, 1))
    more = HeldRows(x=np.zeros((40, 3), "float32"), y=np.zeros(40, "int64")).take(slice(0, 1))

    assert len({key(spec, each, xla=False) for each in (EXAMPLE, wide, weighted)}) == 3
    assert key(spec, more, xla=False) == key(spec, EXAMPLE, xla=False)
    assert key(spec, EXAMPLE, xla=True) != key(spec, EXAMPLE, xla=False)


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
@pytest.mark.parametrize("optimizer", [tag_of(each) for each in get_args(AnyOptimizer)])
def test_what_an_optimizer_remembers_of_a_training_is_gone_in_the_next(
    optimizer: str, precision: str
) -> None:
    def specified(rate: float) -> TrialSpec:
        kind = {"optimizer": optimizer, "learning_rate": rate}
        return _trial(optimizer=kind, compile={"precision": precision})

    def compiled(spec: TrialSpec) -> keras.Model:
        network = build(spec.network.layers, (3,), spec.seed, spec.compile.precision)
        compile_network(network, spec.compile)
        return network

    network, fresh = compiled(specified(0.5)), compiled(specified(0.25))
    program = Program(network, batch_size=2, example=EXAMPLE)
    for variable in (*network.weights, *network.optimizer.variables):
        variable.assign(variable + 1)

    program.begin_anew(compiled(specified(0.25)), 0.25)

    for mine, other in (
        *zip(network.weights, fresh.weights, strict=True),
        *zip(network.optimizer.variables, fresh.optimizer.variables, strict=True),
    ):
        np.testing.assert_array_equal(mine.numpy(), other.numpy())


def _program() -> Program:
    spec = _trial()
    network = build(spec.network.layers, (3,), spec.seed)
    compile_network(network, spec.compile)
    return Program(network, batch_size=2, example=EXAMPLE)


def test_those_used_last_are_kept_within_their_bound() -> None:
    programs = Programs(most_bytes=2 * GRAPH_BYTES + GRAPH_BYTES // 2)
    first, second, third = _program(), _program(), _program()
    programs.lend("1", lambda: first)
    programs.lend("2", lambda: second)

    assert programs.lend("1", lambda: third) is first
    programs.lend("3", lambda: third)

    assert len(programs) == 2
    assert programs.lend("1", lambda: second) is first
    assert programs.lend("2", _program) is not second


def test_one_that_is_too_large_is_lent_but_not_kept() -> None:
    programs = Programs(most_bytes=1)
    program = _program()

    assert programs.lend("1", lambda: program) is program
    assert len(programs) == 0


def test_they_leave_most_of_a_trainers_memory_to_its_trials() -> None:
    programs = Programs()
    programs.leave_room(8 * 2 * GRAPH_BYTES)

    programs.lend("1", _program)
    programs.lend("2", _program)

    assert len(programs) == 1


def test_a_program_counts_weights_and_optimizer() -> None:
    weights = 3 * 4 + 4 + 4 * 2 + 2
    # Adam keeps two moments of each, its rate and its steps (64 bits).
    assert _program().bytes == (weights + 2 * weights + 1) * 4 + 8
