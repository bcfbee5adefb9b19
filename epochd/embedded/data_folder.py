"""The folder in which the embedded service keeps everything, and the right to be alone in it."""

import fcntl
import os
import time
from pathlib import Path
from typing import Self

from epochd.errors import FolderTaken

# How long what is left of a killed service may take to end; its leash kills it after ten.
LEFTOVERS_SECONDS = 15.0


class DataFolder:
    """A data folder that belongs to this process, and to `lock`, until both are closed.

    Raises:
        FolderTaken: another process has it; the message says which.
        OSError: it cannot be made or written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        # Datasets and the broker's data are nobody else's business on a shared machine.
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lock = os.open(self.path / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take()
        except BaseException:
            os.close(self.lock)
            raise

    def sign(self, url: str) -> None:
        """Write down who has the folder, for those who are refused."""
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, f"process {os.getpid()}, {url}".encode(), 0)

    def subfolder(self, name: str) -> Path:
        """A folder in it, made if need be."""
        folder = self.path / name
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.lock)

    def _take(self) -> None:
        deadline = time.monotonic() + LEFTOVERS_SECONDS
        while not self._taken():
            who = os.pread(self.lock, 200, 0).decode(errors="replace")
            if _lives(who) or time.monotonic() > deadline:
                raise FolderTaken(
                    f"another epochd ({who or 'just starting'}) works in {self.path};"
                    " stop it, or choose another folder with --data-dir"
                )
            time.sleep(0.1)  # what is left of a killed one is just ending

    def _taken(self) -> bool:
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _lives(who: str) -> bool:
    """Whether the process that signed still runs."""
    words = who.removeprefix("process ").replace(",", " ").split()
    if not words or not words[0].isdigit():
        return False
    try:
        os.kill(int(words[0]), 0)
    except OSError as error:
        return isinstance(error, PermissionError)  # another user's, so it is there
    return True
