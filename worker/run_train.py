"""Runs a train worker: warm trainers, a supervisor for each, and the doorbell that calls them."""

import logging
import os
import threading
from contextlib import closing

from models.specs.experiment import Device
from models.tables.workers import WorkerKind
from store import broker
from worker import celery_app, memory, tasks
from worker.means import Means
from worker.parts import Places, parts, report_of
from worker.process import TrainerSettings
from worker.scratch import process_folder
from worker.slots import Slots
from worker.timing import Timing
from worker.trainers import Trainers

log = logging.getLogger(__name__)


def run_train(
    places: Places,
    *,
    slots: int,
    device: Device,
    timing: Timing | None = None,
    trainer_memory_mb: int | None = None,
    gpus_per_trial: int = 1,
) -> int:
    """Train until SIGTERM or SIGINT; what is being trained then goes back to the queue.

    Args:
        places: of the other parts.
        slots: trials at the same time, each with a trainer process and its share of the cores.
        device: CPU or GPU.
        timing: the usual figures when left out.
        trainer_memory_mb: that each trainer may take; its share of what is there when left out.
        gpus_per_trial: that share the batches of one trial.

    Returns:
        The exit status.
    """
    timing = timing or Timing()
    drain = threading.Event()
    report = report_of(WorkerKind.TRAIN, device, slots)
    memory_bytes = (
        memory.trainer_limit(slots)
        if trainer_memory_mb is None
        else trainer_memory_mb * memory.MEBIBYTE
    )
    log.info("each of %d trainers may take %d MiB", slots, memory_bytes // memory.MEBIBYTE)
    settings = TrainerSettings(
        threads=_threads(slots), device=device, gpus=gpus_per_trial, memory_bytes=memory_bytes
    )
    with (
        process_folder() as scratch,
        closing(Trainers(slots, settings, drain)) as trainers,
        parts(places, report, timing, drain) as found,
    ):
        work = Slots(
            worker=report.name,
            device=device,
            trainers=trainers,
            doorbell=found.doorbell,
            means=Means(
                database=found.database,
                artifacts=found.artifacts,
                drain=drain,
                timing=timing,
                scratch=scratch,
            ),
        ).work
        celery = celery_app.app(places.broker)
        tasks.register_training(celery, work)
        queues = (broker.TRAIN_QUEUES[Device.ANY], broker.TRAIN_QUEUES[device])
        return celery_app.serve(celery, name=report.name, queues=queues, slots=slots, drain=drain)


def _threads(slots: int) -> int:
    """A trainer's share of the cores that this process may use, at least one."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, cores // slots)
