"""The handle of one trainer process: start it, talk to it, end it for certain.

The trainer is a child of its own session with two pipes to us and nothing else of ours: no
database, no broker, no signals of our terminal. It ends by itself when its command pipe closes, so
it cannot outlive us, however we end.
"""

import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import worker
from models.specs.experiment import Device
from worker import memory
from worker.messages import Command, Report, read_report

log = logging.getLogger(__name__)

# SIGTERM ends a trainer at once unless the kernel holds it; then SIGKILL follows.
TERM_SECONDS = 5.0
# A trainer reads its commands in a thread of its own; one that does not is hung.
SEND_SECONDS = 10.0
CHUNK_BYTES = 65_536
# The longest report is a stack trace. What is longer is no report, and must not fill our memory.
LINE_BYTES = 4 * 2**20


class TrainerGone(Exception):
    """The trainer process has ended, or does not read its pipe any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerSettings:
    """How trainers are started.

    Attributes:
        threads: of TensorFlow, a trainer.
        device: CPU hides every GPU from the trainer.
        gpus: that a trial may take, of those that the trainer sees.
        memory_bytes: that a trainer may take for itself while it trains; None is without limit.
        module: what is run; it is given the numbers of its two pipes.
    """

    threads: int
    device: Device
    gpus: int = 1
    memory_bytes: int | None = None
    module: str = "worker.trainer.main"

    def environment(self) -> dict[str, str]:
        """The trainer's environment: ours, with threads, devices and import path settled."""
        threads = str(self.threads)
        root = str(Path(worker.__path__[0]).parent)
        inherited = os.environ.get("PYTHONPATH")
        settled = {
            "EPOCHD_GPUS_PER_TRIAL": str(self.gpus),
            "KERAS_BACKEND": "tensorflow",
            "OMP_NUM_THREADS": threads,
            # NumPy multiplies what is small, and threads that wait for it cost ten times as much.
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, (root, inherited))),
            "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
            "TF_FORCE_GPU_ALLOW_GROWTH": os.environ.get("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
            "TF_NUM_INTEROP_THREADS": threads,
            "TF_NUM_INTRAOP_THREADS": threads,
        }
        if self.device is Device.CPU:
            settled["CUDA_VISIBLE_DEVICES"] = "-1"
        return os.environ | settled


class TrainerProcess:
    """One trainer process, started by its constructor; not safe to share between threads.

    Attributes:
        warm: it has said that it is ready.
        memory_bytes: that it may take for itself while it trains; None is without limit.
    """

    def __init__(self, settings: TrainerSettings) -> None:
        self.memory_bytes = settings.memory_bytes
        commands_read, self._commands = os.pipe()
        self._reports, reports_write = os.pipe()
        pipes = (commands_read, reports_write)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", settings.module, *map(str, pipes)],
                stdin=subprocess.DEVNULL,
                env=settings.environment(),
                pass_fds=pipes,
                start_new_session=True,
            )
        except BaseException:
            os.close(self._commands)
            os.close(self._reports)
            raise
        finally:
            for pipe in pipes:
                os.close(pipe)
        os.set_blocking(self._commands, False)
        os.set_blocking(self._reports, False)
        self._lines: deque[bytes] = deque()
        self._partial = b""
        self._overlong = False
        self._rubbish_seen = False
        self.warm = False
        self._warm_bytes = 0

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, a signal as a negative number; None while it runs."""
        return self._process.poll()

    def mark_warm(self) -> None:
        """Note that it is ready, and how much memory that takes."""
        self.warm = True
        self._warm_bytes = self._memory()

    def grown(self) -> int:
        """How many bytes more it takes than when it was warm and had trained nothing."""
        return self._memory() - self._warm_bytes

    def send(self, command: Command) -> None:
        """Hand a command over.

        Raises:
            TrainerGone: nobody is there to read it.
        """
        rest = memoryview(command.line())
        deadline = time.monotonic() + SEND_SECONDS
        poll = select.poll()
        poll.register(self._commands, select.POLLOUT)
        while rest:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TrainerGone(f"trainer {self.pid} does not read its commands")
            try:
                rest = rest[os.write(self._commands, rest) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise TrainerGone(self._ending()) from None

    def receive(self, seconds: float) -> Report | None:
        """The next report, or None when none came within `seconds`, whatever else came.

        Raises:
            TrainerGone: the process has ended and everything it said was received.
        """
        deadline = time.monotonic() + seconds
        while True:
            while self._lines:
                report = self._understood(self._lines.popleft())
                if report is not None:
                    return report
                if time.monotonic() > deadline:
                    return None
            if not self._read(max(0.0, deadline - time.monotonic())):
                return None

    def end(self, *, at_once: bool = False) -> None:
        """End the process and its group; returns when it is proven to be gone. Safe to repeat.

        At once is for one that is known not to listen.
        """
        patience = 0.0 if at_once else TERM_SECONDS
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, None)):
            if not self.alive:
                break
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        for pipe in (self._commands, self._reports):
            if pipe >= 0:
                os.close(pipe)
        self._commands = self._reports = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _memory(self) -> int:
        usage = memory.usage(self.pid)
        return 0 if usage is None else usage.memory

    def _read(self, seconds: float) -> bool:
        """Wait for bytes and cut them into lines; False when none came."""
        poll = select.poll()
        poll.register(self._reports, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return False
        chunk = os.read(self._reports, CHUNK_BYTES)
        if not chunk:
            raise TrainerGone(self._ending())
        self._cut(chunk)
        return True

    def _cut(self, chunk: bytes) -> None:
        """Gather whole lines. Of one that is too long only the beginning is kept: as rubbish."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            if not self._overlong:
                self._lines.append(self._partial + line)
            self._partial, self._overlong = b"", False
        if not self._overlong:
            self._partial += rest
        if len(self._partial) > LINE_BYTES:
            self._lines.append(self._partial)
            self._partial, self._overlong = b"", True

    def _understood(self, line: bytes) -> Report | None:
        try:
            return read_report(line)
        except ValueError as error:
            if not self._rubbish_seen:
                log.warning("trainer %d sent a line that is no report: %s", self.pid, error)
            self._rubbish_seen = True
            return None

    def _ending(self) -> str:
        """How the process ended, in words; it has closed its pipe, so its end is at hand."""
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return f"trainer {self.pid} closed its pipe"
        if code < 0:
            return f"trainer {self.pid} was killed by {signal.Signals(-code).name}"
        return f"trainer {self.pid} ended with exit code {code}"
