"""Runs the peers' scripts, each in a process of its own and with the peers' own interpreter.

They live in a virtual environment of their own (`make bench-peers`), so that none of their
dependencies gets into epochd's. A peer that is not installed is Missing; it is never guessed what
it would take.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCRIPTS = HERE / "peers"
ENVIRONMENT = HERE.parent / ".venv-peers"

# The slowest, MNIST three times with `fit`, takes minutes on two cores.
PATIENCE_SECONDS = 3600.0
STOPPING_SECONDS = 30.0


class Missing(Exception):
    """The peer is not installed: its message names the module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A peer's search.

    Attributes:
        seconds: from starting the process to its end.
        imports: those of them until the script had imported what it needs.
        epochs: trained, by all its trials.
    """

    seconds: float
    imports: float
    epochs: int


def search(script: str, task: dict[str, object]) -> Searched:
    """Let a peer do a task, from nothing.

    Args:
        script: its file's name.
        task: the fields of benchmarks/peers/task.py: Task.

    Raises:
        Missing: it is not installed.
        RuntimeError: it failed.
    """
    begun = time.monotonic()
    answer = answered(script, task)
    seconds = time.monotonic() - begun
    return Searched(
        seconds=seconds,
        # Both clocks are the machine's own, which all its processes share.
        imports=answer["imported"] - begun,
        epochs=answer["epochs"],
    )


def answered(script: str, task: dict[str, object]) -> dict[str, Any]:
    """Let a peer do a task, and read the last line that it prints.

    Raises:
        Missing: it is not installed.
        RuntimeError: it failed.
    """
    done = subprocess.run(
        _command(script, json.dumps(task)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode:
        raise _failed(script, done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@contextmanager
def serving(script: str, *arguments: str) -> Iterator[str]:
    """A peer that serves until its standard input closes; yields the first line that it prints.

    Raises:
        Missing: it is not installed.
        RuntimeError: it failed.
    """
    process = subprocess.Popen(
        _command(script, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline() if process.stdout else ""
    try:
        if not line:
            raise _failed(script, process.communicate(timeout=STOPPING_SECONDS)[1])
        yield line.strip()
    finally:
        process.communicate(timeout=STOPPING_SECONDS)


def _command(script: str, *arguments: str) -> list[str]:
    """Keras alone is here without the environment too."""
    theirs = ENVIRONMENT / "bin" / "python"
    return [str(theirs if theirs.exists() else sys.executable), str(SCRIPTS / script), *arguments]


def _failed(script: str, errors: str) -> Exception:
    last = (errors.strip().splitlines() or ["no word"])[-1]
    if last.startswith("ModuleNotFoundError"):
        return Missing(last.partition(": ")[2])
    return RuntimeError(f"{script}: {errors[-2000:]}")
