"""Runs a control worker: reads datasets and takes experiments a step on."""

import threading
from contextlib import ExitStack

from models.specs.experiment import Device
from models.tables.workers import WorkerKind
from store import broker
from worker import celery_app, tasks
from worker.collect import Collector
from worker.control import Control
from worker.ingest import Ingest
from worker.parts import Places, parts, report_of
from worker.repeating import Repeating
from worker.scratch import process_folder
from worker.timing import Timing

# Reading a dataset keeps a core busy; advancing an experiment must not wait behind two of them.
CONTROL_SLOTS = 3


def run_control(places: Places, *, timing: Timing | None = None) -> int:
    """Read datasets and advance experiments until SIGTERM or SIGINT.

    Returns:
        The exit status.
    """
    timing = timing or Timing()
    drain = threading.Event()
    report = report_of(WorkerKind.CONTROL, Device.ANY, CONTROL_SLOTS)
    with ExitStack() as ending:
        scratch = ending.enter_context(process_folder())
        found = ending.enter_context(parts(places, report, timing, drain))
        ingest = Ingest(
            database=found.database,
            artifacts=found.artifacts,
            worker=report.name,
            drain=drain,
            timing=timing,
            scratch=scratch,
        )
        control = Control(
            database=found.database, doorbell=found.doorbell, ingest=ingest, timing=timing
        )
        collector = Collector(database=found.database, artifacts=found.artifacts, drain=drain)
        ending.enter_context(Repeating(collector.collect, every=timing.collect, name="collector"))
        celery = celery_app.app(places.broker)
        tasks.register_control(celery, read=control.read, advance=control.advance)
        return celery_app.serve(
            celery,
            name=report.name,
            queues=(broker.CONTROL_QUEUE,),
            slots=CONTROL_SLOTS,
            drain=drain,
        )
