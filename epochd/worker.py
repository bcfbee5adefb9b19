"""`epochd worker`: takes work from the queue, until it is asked to end."""

import sys
from typing import Literal

from epochd.log import log_to_stderr
from epochd.settings import Settings
from epochd.timing import timing
from models.specs.experiment import Device
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
            trainer_memory_mb=settings.trainer_memory_mb,
            gpus_per_trial=settings.gpus_per_trial,
        )
    )
