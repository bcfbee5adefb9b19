"""What every worker is made of, whatever it does: built from plain arguments, ended in order.

The sweeper and the sign of life run beside its work.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from models.errors import StorageFull, Unavailable
from models.specs.experiment import Device
from models.tables.workers import WorkerKind
from models.version import VERSION
from store import workers
from store.artifacts import Artifacts
from store.database import Database
from store.doorbell import WORKER_STEP_SECONDS, Doorbell
from store.remote_artifacts import open_artifacts
from store.workers import WorkerReport
from worker.repeating import Repeating
from worker.sweep import Sweeper
from worker.timing import AWAY_SECONDS, Timing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a worker finds the rest of the service.

    Attributes:
        database: URL.
        broker: URL.
        artifacts: a path, or any URL that fsspec knows.
        cache: a folder of this machine for artifacts that had to be fetched.
    """

    database: str
    broker: str
    artifacts: str
    cache: Path


@dataclass(frozen=True, slots=True)
class Parts:
    """What both kinds of worker work with."""

    database: Database
    doorbell: Doorbell
    artifacts: Artifacts


@contextmanager
def parts(
    places: Places, report: WorkerReport, timing: Timing, drain: threading.Event
) -> Iterator[Parts]:
    """The parts, with the sweeper and the sign of life running beside them.

    Once `drain` is set, the worker is to end: then nobody waits long for the database any more.
    """
    with ExitStack() as ending:
        database = Database(places.database, hurry=drain)
        ending.callback(database.dispose)
        doorbell = Doorbell(places.broker, step_seconds=WORKER_STEP_SECONDS)
        ending.callback(doorbell.close)
        _say_hello(database, report)
        ending.callback(_say_goodbye, database, report)
        ending.enter_context(
            Repeating(
                lambda: _say_alive(database, report), every=timing.report, name="sign of life"
            )
        )
        sweeper = Sweeper(database=database, doorbell=doorbell, timing=timing)
        sweeper.start()
        ending.callback(sweeper.stop)
        yield Parts(database, doorbell, open_artifacts(places.artifacts, places.cache))


def _say_hello(database: Database, report: WorkerReport) -> None:
    """Wait for the database: after a restart of everything, any part may be there first."""
    while True:
        try:
            return _say_alive(database, report)
        except (Unavailable, StorageFull) as trouble:
            log.warning("waiting for the database: %s", trouble)
            time.sleep(AWAY_SECONDS)


def _say_alive(database: Database, report: WorkerReport) -> None:
    with database.transaction() as tx:
        workers.report(tx, report)


def _say_goodbye(database: Database, report: WorkerReport) -> None:
    with suppress(Unavailable, StorageFull), database.transaction() as tx:
        workers.leave(tx, report.name)


def report_of(kind: WorkerKind, device: Device, slots: int) -> WorkerReport:
    """What this process says of itself, under a name that no other ever had."""
    host, pid = socket.gethostname(), os.getpid()
    return WorkerReport(
        name=f"{kind}@{host}:{pid}:{time.time_ns():x}",
        kind=kind,
        device=device,
        slots=slots,
        host=host,
        pid=pid,
        version=VERSION,
    )
