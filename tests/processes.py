"""Who runs below a process, seen from outside, where what ends while one looks is not there.

A killed process stays a zombie until its parent asks how it ended. It runs no more, yet it is still
listed, and most questions to it are errors.
"""

import psutil

TRAINER = "worker.trainer.main"


def has_ended(process: psutil.Process) -> bool:
    """Whether it runs no more."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # just now, or its number is another's
        return True


def command(process: psutil.Process) -> list[str]:
    """The program that it runs and its arguments; none when it has ended."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def below(pid: int, *, recursive: bool = False) -> list[psutil.Process]:
    """What runs as its children, or as theirs too; nothing when it has ended itself."""
    try:
        children = psutil.Process(pid).children(recursive=recursive)
    except psutil.NoSuchProcess:
        return []
    return [child for child in children if not has_ended(child)]


def trainers(pid: int) -> list[psutil.Process]:
    """The trainers of a train worker, those that are still importing TensorFlow included."""
    return [child for child in below(pid) if TRAINER in command(child)]
