"""Scratch folders: each process has one of its own, and the next removes those of dead ones.

A killed process removes nothing. What tells a dead owner from a living one is a lock on a file in
the folder, which ends with the process: numbers of processes are used again, and two containers may
share a folder for temporary files though not their processes.
"""

import fcntl
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from store.artifacts import translated

log = logging.getLogger(__name__)

PREFIX = "epochd-worker-"
# What fails, as a client is told.
SCRATCH = "The folder for temporary files on this worker's machine"
_LOCK = "lock"
# A folder without a lock that is older than this is not just being made.
MAKING_SECONDS = 60.0


@contextmanager
def process_folder(within: Path | None = None) -> Iterator[Path]:
    """The scratch folder of this process, gone at its end; those of dead processes go at once.

    Args:
        within: where; the system's folder for temporary files when left out.
    """
    place = within or Path(tempfile.gettempdir())
    remove_abandoned(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
    try:
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def attempt_scratch(within: Path) -> Iterator[Path]:
    """A folder for the files of one attempt, gone afterwards.

    Raises:
        StorageFull, ArtifactsUnavailable: it cannot be made.
    """
    with translated(SCRATCH):
        folder = Path(tempfile.mkdtemp(prefix="epochd-attempt-", dir=within))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(place: Path) -> None:
    """Remove the scratch folders of processes that were killed."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another's folder, or another was quicker
            if _is_abandoned(folder):
                log.info("%s was left behind by a process that is gone", folder)
                shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return time.time() - folder.stat().st_ctime > MAKING_SECONDS
