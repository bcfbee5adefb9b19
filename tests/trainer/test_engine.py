"""How a trial is trained is decided by a rule, and said."""

from typing import Any

import pytest

from tests.trainer.trials import trial
from worker.trainer.engine import XLA_PAYS_FROM_STEPS, choose

DENSE: list[dict[str, Any]] = [{"layer": "Dense", "units": 4}]
CONVOLUTION: list[dict[str, Any]] = [
    {"layer": "Reshape", "target_shape": [2, 2, 1]},
    {"layer": "Conv2D", "filters": 2, "kernel_size": 1},
    {"layer": "Flatten"},
]


@pytest.mark.parametrize(
    ("layers", "rows", "jit_compile", "xla", "reason"),
    [
        (DENSE, 100, "auto", False, "compiling pays from"),
        (DENSE, XLA_PAYS_FROM_STEPS * 32, "auto", True, "which pay for compiling"),
        (CONVOLUTION, XLA_PAYS_FROM_STEPS * 32, "auto", False, "convolutions"),
        (DENSE, 100, True, True, "as the spec says"),
        (DENSE, XLA_PAYS_FROM_STEPS * 32, False, False, "as the spec says"),
    ],
)
def test_xla_compiles_what_gains_from_it_on_a_cpu(
    layers: list[dict[str, Any]], rows: int, jit_compile: object, *, xla: bool, reason: str
) -> None:
    asked = trial(
        layers=layers, fit={"epochs": 1, "batch_size": 32}, compile={"jit_compile": jit_compile}
    )

    chosen = choose(asked, rows)

    assert chosen.xla is xla
    assert reason in chosen.reason
    assert chosen.view()["compiled"] == "epoch"
