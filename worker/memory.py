"""What a process takes of the machine, what it may take, and whether the kernel ran out of memory.

Read from where Linux tells it. Elsewhere nobody knows: then nothing is limited, and nothing fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

MEBIBYTE = 2**20
GIBIBYTE = 2**30

# What is left to everything else: this share of the memory, and at least so much.
RESERVED_SHARE = 0.1
RESERVED_BYTES = GIBIBYTE
# TensorFlow itself takes about 0.4 GiB. With less than this nothing could be trained at all, and
# that a machine has too many slots must not fail every trial.
LEAST_BYTES = GIBIBYTE

ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process takes.

    Attributes:
        memory: bytes that are its own. Pages of files that it has mapped, such as a dataset, are
            not: the kernel drops those when memory runs short.
        processor: seconds of processor time so far, of all its threads.
    """

    memory: int
    processor: float


def usage(pid: int) -> Usage | None:
    """What a process takes now; None when nobody knows."""
    try:
        process = psutil.Process(pid)
        memory, times = process.memory_info(), process.cpu_times()
    except psutil.Error:
        return None
    if not hasattr(memory, "shared"):  # not Linux
        return None
    return Usage(memory=memory.rss - memory.shared, processor=times.user + times.system)


def trainer_limit(slots: int, root: Path = ROOT) -> int:
    """Bytes that one of so many trainers may take of this machine, or of our control group."""
    there = min([psutil.virtual_memory().total, *_limits(root)])
    reserved = max(int(RESERVED_SHARE * there), RESERVED_BYTES)
    return max(LEAST_BYTES, (there - reserved) // slots)


def oom_kills(root: Path = ROOT) -> int | None:
    """How many processes the kernel has killed for want of memory; None when it does not say.

    Counted for our control group where there is one, otherwise for the whole machine.
    """
    names = ("memory.events", "memory.oom_control")
    grouped = (folder / name for folder in _groups(root) for name in names)
    for source in (*grouped, root / "proc/vmstat"):
        for line in _lines(source):
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return None


def _limits(root: Path) -> Iterator[int]:
    """Limits of our control group and of those around it: v2 says "max" where there is none."""
    for folder in _groups(root):
        for name in ("memory.max", "memory.limit_in_bytes"):
            yield from (int(line) for line in _lines(folder / name) if line.isdecimal())


def _groups(root: Path) -> Iterator[Path]:
    """The folders of our control group and of those around it, innermost first; v2 or v1."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if not controllers:
            base = root / "sys/fs/cgroup"
        elif "memory" in controllers.split(","):
            base = root / "sys/fs/cgroup/memory"
        else:
            continue
        inner = base / path.lstrip("/")
        yield from (folder for folder in (inner, *inner.parents) if folder.is_relative_to(base))


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []
