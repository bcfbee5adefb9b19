"""One process of the embedded service: started, watched, started again when it dies, ended."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from epochd.embedded.leash import Leash
from epochd.embedded.output import Output

# A process that dies at once is started again after the first pause, then ever more slowly.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A process that lived this long was well: its next death starts with the first pause again.
SETTLED_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run.

    Attributes:
        name: as it stands in the log.
        command: the program and its arguments.
        environment: on top of ours.
        configuration: written to its standard input.
        inherit: file descriptors that it gets from us.
        ending_seconds: how long it may take to end after SIGTERM before it is killed.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    configuration: str = ""
    inherit: tuple[int, ...] = ()
    ending_seconds: float = 10.0


class Child:
    """A program that is kept running."""

    def __init__(self, program: Program, *, leash: Leash, output: Output) -> None:
        self.name = program.name
        self.deaths = 0
        self._program = program
        self._leash = leash
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = FIRST_PAUSE_SECONDS
        self._again_at: float | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None while it does not run."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it."""
        process = subprocess.Popen(
            self._program.command,
            env={**os.environ, **self._program.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=self._program.inherit,
            start_new_session=True,  # a Ctrl-C reaches us alone, and we end the others in order
        )
        self._leash.hold(process, signal.SIGTERM)
        self._process = process
        self._started = time.monotonic()
        self._again_at = None
        if process.stdout is not None:
            self._output.follow(self.name, process.stdout)
        if process.stdin is not None:
            process.stdin.write(self._program.configuration.encode())
            process.stdin.close()

    def tend(self) -> None:
        """Start it again if it has died, but not too often."""
        now = time.monotonic()
        if self._process is not None and (code := self._process.poll()) is not None:
            self._leash.release(self._process)
            self._process = None
            self.deaths += 1
            if now - self._started > SETTLED_SECONDS:
                self._pause = FIRST_PAUSE_SECONDS
            self._output.write(
                self.name, f"ended {_how(code)}; it is started again in {self._pause:g} s"
            )
            self._again_at = now + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        if self._again_at is not None and now >= self._again_at:
            try:
                self.start()
            except OSError as error:  # no memory or no process to spare: a matter of time
                self._output.write(self.name, f"cannot be started: {error}")
                self._again_at = now + self._pause

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        self._again_at = None
        if self._process is not None:
            self._process.terminate()

    def wait_or_kill(self) -> None:
        """Wait for its end; kill it when that takes longer than it may."""
        if self._process is None:
            return
        try:
            self._process.wait(self._program.ending_seconds)
        except subprocess.TimeoutExpired:
            self._output.write(self.name, "did not end in time and is killed")
            self.kill()

    def kill(self) -> None:
        """End it now."""
        self._again_at = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _how(code: int) -> str:
    return f"with code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
