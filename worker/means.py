"""What every attempt of a train worker works with: made once a process, handed to all its slots."""

import threading
from dataclasses import dataclass
from pathlib import Path

from store.artifacts import Artifacts
from store.database import Database
from worker.timing import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """The parts that are shared by attempts.

    Attributes:
        drain: set when the worker is to end.
        scratch: a folder of this machine for the files of attempts.
    """

    database: Database
    artifacts: Artifacts
    drain: threading.Event
    timing: Timing
    scratch: Path
