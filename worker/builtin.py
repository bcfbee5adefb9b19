"""Makes a built-in dataset's folder: from scikit-learn's own files, or downloaded through Keras.

The download runs in a process of its own, because Keras must not be loaded here. It ends with this
one: it holds the other end of a pipe that closes then.
"""

import subprocess
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from models.builtins import BUNDLED, DOWNLOADED, PREFIX
from models.errors import DatasetUnavailable, NotFound
from models.profile import DatasetProfile, TableProfile
from store.formats.builtin import write_bundled
from store.formats.read import read
from worker.timing import GLANCE_SECONDS

# CIFAR-10 is 170 MB; a network slower than this is not worth the wait of a worker.
DOWNLOAD_SECONDS = 900


class Drained(Exception):
    """The worker is to end before the download is done."""


def write_builtin(
    name: str, into: Path, *, drain: threading.Event, timeout: float = DOWNLOAD_SECONDS
) -> DatasetProfile:
    """Write the folder of a built-in dataset.

    Args:
        name: without "builtin:".
        into: an existing, empty folder.
        drain: set when the worker is to end, and a download with it.
        timeout: seconds that a download may take.

    Raises:
        NotFound: no built-in dataset has this name.
        DatasetUnavailable: it has to be downloaded and that did not work.
        Drained: it would have to be downloaded, but the worker is to end.
    """
    if name in BUNDLED:
        return write_bundled(name, into)
    if name not in DOWNLOADED:
        known = ", ".join([*BUNDLED, *DOWNLOADED])
        raise NotFound(f"There is no built-in dataset {name!r}; there are {known}.")
    profile = DOWNLOADED[name]
    target = profile.target if isinstance(profile, TableProfile) else None
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / (f"{name}.csv" if target else f"{name}.npz")
        _download(name, file, drain, timeout)
        return read(file, file.name, into, target)


def _download(name: str, file: Path, drain: threading.Event, timeout: float) -> None:
    command = [sys.executable, "-m", "worker.trainer.download", name, str(file)]
    until = time.monotonic() + timeout
    with (
        file.with_suffix(".log").open("w+", errors="replace") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log
        ) as process,
    ):
        try:
            while process.poll() is None:
                if drain.wait(GLANCE_SECONDS):
                    raise Drained
                if time.monotonic() > until:
                    raise _unavailable(name, f"the download took more than {timeout:.0f} s")
        finally:
            process.kill()
        if process.returncode:
            log.seek(0)
            said = log.read().strip().splitlines()
            raise _unavailable(name, said[-1] if said else f"it ended with {process.returncode}")


def _unavailable(name: str, why: str) -> DatasetUnavailable:
    offline = ", ".join(PREFIX + bundled for bundled in BUNDLED)
    return DatasetUnavailable(
        f"{PREFIX}{name} has to be downloaded once, and that did not work here: {why}. Give this "
        f"machine a network, upload the data as NPZ or CSV, or use one that needs none: {offline}."
    )
