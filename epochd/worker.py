"""`epochd worker`: takes work from the queue; or says whether the worker of this host lives."""

import socket
import sys
from typing import Literal

from epochd.log import log_to_stderr
from epochd.settings import Settings
from epochd.timing import timing
from models.specs.experiment import Device
from store import workers
from store.database import Database
from worker.parts import Places
from worker.run_control import run_control
from worker.run_train import run_train

Kind = Literal["train", "control"]


def work(kind: Kind, settings: Settings) -> None:
    """Work until SIGTERM or Ctrl-C.

    Raises:
        BadSettings: no broker was named.
        Unavailable: the database cannot be reached.
        SystemExit: at the end, with the worker's status.
    """
    log_to_stderr(settings.log_level)
    places = Places(
        database=settings.database,
        broker=settings.broker,
        artifacts=settings.artifacts,
        cache=settings.cache,
    )
    if kind == "control":
        sys.exit(run_control(places, timing=timing(settings)))
    sys.exit(
        run_train(
            places,
            slots=settings.slots,
            device=Device(settings.device),
            timing=timing(settings),
        )
    )


def is_alive(kind: Kind, settings: Settings) -> bool:
    """Say whether a worker of this kind on this host has given a sign of life lately.

    Raises:
        Unavailable: the database cannot be reached.
    """
    database = Database(settings.database)
    try:
        with database.snapshot() as tx:
            known = workers.page(tx, settings.lease_seconds)
    finally:
        database.dispose()
    return any(it.alive and it.kind == kind and it.host == socket.gethostname() for it in known)
