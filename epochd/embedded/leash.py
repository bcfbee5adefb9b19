"""Ends the processes that this one started, however this one ends, `kill -9` included.

A guard process holds the read end of a pipe whose only write end is here. When this process is
gone the kernel closes the pipe, and the guard ends what is still on the leash. That works on every
system with pipes, unlike Linux's PR_SET_PDEATHSIG, which other systems lack and a change of user
clears. The guard runs this very file as a script, so nothing but the standard library is imported.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import Self

# How long a process has to end by itself before the guard kills it.
GRACE_SECONDS = 10.0


class Leash:
    """Holds child processes. Use it as a context manager, or call `close`.

    Args:
        keep: file descriptors that stay open until the last held process is gone, such as a lock.
    """

    def __init__(self, keep: tuple[int, ...] = ()) -> None:
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=keep,
            start_new_session=True,  # a Ctrl-C in the terminal must not reach the guard
            text=True,
        )

    def hold(self, process: subprocess.Popen[bytes], ending: signal.Signals) -> None:
        """End `process` with the signal `ending` should this process be gone before `release`."""
        self._tell(f"hold {process.pid} {int(ending)}")

    def release(self, process: subprocess.Popen[bytes]) -> None:
        """Forget `process`, which has ended and was waited for."""
        self._tell(f"release {process.pid} 0")

    def close(self) -> None:
        """End what is still held, then the guard."""
        if self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.close()
        self._guard.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, line: str) -> None:
        if self._guard.stdin is None:
            raise RuntimeError("the guard has no pipe")
        with contextlib.suppress(BrokenPipeError):  # someone killed the guard: go on without it
            self._guard.stdin.write(line + "\n")
            self._guard.stdin.flush()


def _guard() -> None:
    """Read who is on the leash until the pipe closes, then end them."""
    held: dict[int, int] = {}
    for line in sys.stdin:
        verb, pid, ending = line.split()
        if verb == "hold":
            held[int(pid)] = int(ending)
        else:
            held.pop(int(pid), None)
    for pid, ending in held.items():
        _send(pid, ending)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(_send(pid, 0) for pid in held):
        time.sleep(0.1)
    for pid in held:
        _send(pid, signal.SIGKILL)


def _send(pid: int, number: int) -> bool:
    """Send a signal; False when there is no such process."""
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    _guard()
