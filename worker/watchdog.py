"""Watches a trainer while it trains: one that hangs, or takes more memory than it may, is ended.

Only the supervisor can tell: a trainer that is stopped, deadlocked or killed says nothing of it.
"""

import signal
import time
from collections import deque
from pathlib import Path

from worker import memory
from worker.memory import GIBIBYTE, MEBIBYTE
from worker.messages import Command, Report
from worker.process import TrainerGone, TrainerProcess

# How often a trainer's memory is looked at.
LOOK_SECONDS = 1.0
# A process that the kernel kills for want of memory may take seconds to end.
LOOKS_WHILE_IT_ENDS = 6
# A trainer reports between two batches, and says nothing while it reads data, compiles or exports.
# As long as it uses this share of a core it is taken to work, and given so many times as long.
WORKING_SHARE = 0.01
WORKING_TIMES = 4


class TrainerHung(TrainerGone):
    """The trainer process was ended because it did nothing any more."""


class TrainerExhausted(TrainerGone):
    """The trainer process was ended because it took too much memory."""


class Watched:
    """A trainer for the time of one attempt.

    Args:
        trainer: warm and idle.
        hang: seconds of silence after which it is hung.
        root: where the kernel's files are.
    """

    def __init__(self, trainer: TrainerProcess, *, hang: float, root: Path = memory.ROOT) -> None:
        self._root = root
        self._trainer = trainer
        self._hang = hang
        # Counted while we listen: a pause of ours, or of the machine, is none of the trainer's.
        self._silent = 0.0
        self._look_at = 0.0
        self._most_memory = 0
        self._processor_before: float | None = None
        self._oom_kills = deque([memory.oom_kills(self._root)], LOOKS_WHILE_IT_ENDS)

    @property
    def memory_bytes(self) -> int | None:
        """What it may take for itself; None is without limit."""
        return self._trainer.memory_bytes

    def send(self, command: Command) -> None:
        """Hand a command over, as the process does."""
        self._trainer.send(command)

    def receive(self, seconds: float) -> Report | None:
        """The next report, as from the process itself.

        Raises:
            TrainerHung, TrainerExhausted: it had to be ended.
            TrainerGone: it ended.
        """
        self._look()
        try:
            report = self._trainer.receive(seconds)
        except TrainerGone as gone:
            raise self._explained(gone) from None
        if report is None:
            self._silent += seconds
            self._judge_silence()
        else:
            self._silent = 0.0
            self._processor_before = None
        return report

    def end(self, *, at_once: bool = False) -> None:
        """End the process, as it does itself."""
        self._trainer.end(at_once=at_once)

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        self._oom_kills.append(memory.oom_kills(self._root))
        usage = memory.usage(self._trainer.pid)
        if usage is None:
            return
        self._most_memory = max(self._most_memory, usage.memory)
        if self._processor_before is None:
            self._processor_before = usage.processor
        limit = self.memory_bytes
        if limit is not None and usage.memory > limit:
            self._trainer.end(at_once=True)
            raise TrainerExhausted(
                f"its process took {_mebibytes(usage.memory)} of memory, and a trainer may take "
                f"{_mebibytes(limit)} here (EPOCHD_TRAINER_MEMORY_MB)"
            )

    def _judge_silence(self) -> None:
        if self._silent < self._hang:
            return
        if self._works() and self._silent < WORKING_TIMES * self._hang:
            return
        self._trainer.end(at_once=True)
        raise TrainerHung(f"it reported nothing for {self._silent:.0f} s")

    def _works(self) -> bool:
        """Whether it has computed since its last report, although it said nothing."""
        usage, before = memory.usage(self._trainer.pid), self._processor_before
        if usage is None or before is None:
            return False
        return usage.processor - before > WORKING_SHARE * self._silent

    def _explained(self, gone: TrainerGone) -> TrainerGone:
        """The same end, or the kernel's: it counts whom it kills for want of memory."""
        kills, before = memory.oom_kills(self._root), self._oom_kills[0]
        killed = self._trainer.exit_code == -signal.SIGKILL
        if not killed or kills is None or before is None or kills <= before:
            return gone
        return TrainerExhausted(
            "the machine, or the container, ran out of memory, and the kernel killed its process, "
            f"which was seen to take {_mebibytes(self._most_memory)}"
        )


def _mebibytes(count: int) -> str:
    return f"{count / GIBIBYTE:.1f} GiB" if count >= 10 * GIBIBYTE else f"{count // MEBIBYTE:,} MiB"
