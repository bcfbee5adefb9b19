"""Measure what the heartbeats of a hundred running trials cost, in workers and in the database.

The supervisors are simulated: hearts as the workers have them, and no trainings. Nothing here
asserts. PostgreSQL is the tests' own server; its processes' time is counted too.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psutil

from benchmarks.figures import Figure
from epochd.embedded.leash import Leash
from store.database import Database
from store.schema import migrate
from tests.servers.postgres import PostgresServer
from tests.store.scenes import Scene
from worker.heartbeat import Heart
from worker.timing import Timing

TRIALS = 100
WORKERS = (1, 25)
# Of a core, for all trials of one worker.
AIM = 0.01


def measure(seconds: float) -> list[Figure]:
    """Each database, with each number of worker processes, for so long."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for hearts in WORKERS:
            url = f"sqlite:///{folder}/{hearts}.sqlite3"
            figures.append(_figure("SQLite", url, hearts, seconds))
    with Leash() as leash:
        for hearts in WORKERS:
            with running(leash) as server:
                figures.append(_figure("PostgreSQL", server.url(), hearts, seconds, server))
    return figures


@contextmanager
def running(leash: Leash) -> Iterator[PostgresServer]:
    """A server of our own."""
    server = PostgresServer(leash)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _figure(
    name: str, url: str, hearts: int, seconds: float, server: PostgresServer | None = None
) -> Figure:
    """Let so many hearts keep TRIALS leases between them, for a while."""
    migrate(url)
    with ExitStack() as ending:
        database = Database(url)
        ending.callback(database.dispose)
        scene = Scene(database)
        scene.add_dataset()
        scene.submit(TRIALS, max_parallel=TRIALS)
        beats = [Heart(own(url, ending), Timing()) for _ in range(hearts)]
        for number in range(TRIALS):
            ending.enter_context(beats[number % hearts].heartbeat(scene.must_claim()))
        time.sleep(2 * Timing().order)  # every connection is open by now
        begun, client, theirs = time.monotonic(), own_seconds(), server_seconds(server)
        time.sleep(seconds)
        took = time.monotonic() - begun
        client, theirs = own_seconds() - client, server_seconds(server) - theirs
    used = f"{100 * client / took:.2f} % of a core in the workers"
    if server is not None:
        used += f", {100 * theirs / took:.2f} % in the server"
    what = f"heartbeats of {TRIALS} trials of {hearts} worker{'s' if hearts > 1 else ''}, {name}"
    return Figure(what, used, "1 % a worker", (client + theirs) / took <= AIM * hearts)


def own(url: str, ending: ExitStack) -> Database:
    """A worker's own connections."""
    database = Database(url)
    ending.callback(database.dispose)
    return database


def own_seconds() -> float:
    """Processor time of this process."""
    return sum(os.times()[:2])


def server_seconds(server: PostgresServer | None) -> float:
    """Processor time of the server's processes."""
    if server is None:
        return 0.0
    parent, seconds = psutil.Process(server.pid), 0.0
    for process in (parent, *parent.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # a vacuum's, which comes and goes
            times = process.cpu_times()
            seconds += times.user + times.system
    return seconds
