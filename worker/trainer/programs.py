"""Keeps compiled programs for the next trial that computes the same from other weights.

Tracing a small network takes longer than training it, and trials of one experiment mostly differ
in a learning rate or a seed. What a graph has as constants is part of the key; what it has as
variables is set anew for every trial.
"""

from collections import OrderedDict
from collections.abc import Callable

from models.trial import TrialSpec
from worker.trainer.program import Program
from worker.trainer.rows import Batch

# For all programs together. The graphs of a small network were measured at some MB, its compiled
# code included; that is counted for each.
MOST_BYTES = 512 << 20
# Of what a trainer may take: a trial must not run out of memory because of those before it.
MOST_SHARE = 1 / 8
GRAPH_BYTES = 16 << 20


class Programs:
    """Programs by what they compute; of those that fit, the ones used last.

    Args:
        most_bytes: what they may take. One that is larger by itself is not kept.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Program] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def leave_room(self, memory_bytes: int | None) -> None:
        """Take no more than a share of what the trainer may take; None is without limit."""
        if memory_bytes is not None:
            self._most_bytes = min(self._most_bytes, int(MOST_SHARE * memory_bytes))

    def lend(self, key: str, make: Callable[[], Program]) -> Program:
        """The program of this key, kept or made; its weights are those of whoever had it last."""
        program = self._kept.pop(key, None) or make()
        self._kept[key] = program
        while self._bytes() > self._most_bytes:
            self._kept.popitem(last=False)
        return program

    def clear(self) -> None:
        """Keep none: a training has failed, and nobody knows what it left behind."""
        self._kept.clear()

    def _bytes(self) -> int:
        return sum(program.bytes + GRAPH_BYTES for program in self._kept.values())


def key(trial: TrialSpec, example: Batch, *, xla: bool, devices: int = 1) -> str:
    """What two trials have in common that can share a program.

    Not the seed and the learning rate, which are variables (a schedule is none), and not how many
    rows there are or how often they are trained.

    Args:
        trial: resolved.
        example: a batch of its rows.
        xla: whether XLA compiles it.
        devices: how many train it.
    """
    compiled = trial.compile.model_dump_json(exclude={"optimizer", "jit_compile"})
    optimizer = trial.compile.optimizer
    constants = optimizer.model_dump_json(
        exclude=None if optimizer.constant_rate is None else {"learning_rate"}
    )
    rows = [f"{part.shape[1:]} {part.dtype}" for part in example]
    layers = trial.network.model_dump_json()
    how = (str(trial.fit.batch_size), str(xla), str(devices))
    return "\n".join((layers, compiled, constants, *rows, *how))
