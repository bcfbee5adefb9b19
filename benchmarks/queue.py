"""Measure what a claim and a trial's end cost with ten thousand trials in the queue.

On both databases, as transactions that reach the disk; beside each stands the floor, which is what
a transaction costs here that changes a single number.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import delete, insert, inspect, select, update

from benchmarks.figures import Figure, percentile
from epochd.embedded.leash import Leash
from models.ids import new_experiment_id
from models.lifecycle import StopReason
from models.tables.base import Base
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from store import leases
from store.database import Database
from store.fence import Lease
from store.outcomes import Succeeded
from store.schema import migrate
from tests.servers.postgres import PostgresServer
from tests.store.scenes import Scene, epoch
from worker.advance import advance

QUEUED = 10_000
CLAIM_AIM, END_AIM = 0.010, 0.050

Result = TypeVar("Result")


def measure(repetitions: int) -> list[Figure]:
    """Every figure, on SQLite and then on PostgreSQL."""
    return [
        figure
        for name, database in _databases()
        for prepare, shape in (
            (_one_experiment, "one experiment of 10,000 trials"),
            (_many_experiments, "10,000 experiments of one trial"),
        )
        for figure in _figures(f"{name}, {shape}", prepare(database), repetitions)
    ]


def _figures(where: str, scene: Scene, repetitions: int) -> Iterator[Figure]:
    """Claim and end one trial after another; each claim meets a full queue."""
    floors, claims, ends = [], [], []
    for _ in range(repetitions):
        floors.append(_timed(lambda: _change_one_number(scene))[0])
        seconds, lease = _timed(scene.must_claim)
        claims.append(seconds)
        scene.append(lease, epoch(1))
        ends.append(_timed(partial(_end, scene, lease))[0])
    floor = f"floor {_shown(floors)}"
    for what, times, aim in (("claim", claims, CLAIM_AIM), ("a trial's end", ends, END_AIM)):
        met = percentile(times, 0.99) <= aim
        yield Figure(f"{what}: {where}", f"{_shown(times)}; {floor}", f"p99 {aim * 1000:g} ms", met)


def _shown(times: Sequence[float]) -> str:
    return ", ".join(f"p{s:g} {percentile(times, s / 100) * 1000:.1f}" for s in (50, 99)) + " ms"


def _timed(verb: Callable[[], Result]) -> tuple[float, Result]:
    started = time.perf_counter()
    result = verb()
    return time.perf_counter() - started, result


def _end(scene: Scene, lease: Lease) -> None:
    with scene.database.transaction() as tx:
        leases.finish(tx, lease, Succeeded(stop_reason=StopReason.COMPLETED))
        advance(tx, lease.experiment_id)


def _change_one_number(scene: Scene) -> None:
    with scene.database.transaction() as tx:
        oldest = select(ExperimentRow.id).order_by(ExperimentRow.id).limit(1).scalar_subquery()
        tx.execute(
            update(ExperimentRow)
            .where(ExperimentRow.id == oldest)
            .values(version=ExperimentRow.version + 1)
        )


def _one_experiment(database: Database) -> Scene:
    scene = Scene(database)
    scene.add_dataset()
    scene.submit(QUEUED)
    return scene


def _many_experiments(database: Database) -> Scene:
    """Copies of one, as submitting so many would take minutes."""
    _empty(database)
    scene = Scene(database)
    scene.add_dataset(sha256="1" * 64)
    first = scene.submit(1)
    ids = [new_experiment_id() for _ in range(QUEUED - 1)]
    kinds: Sequence[tuple[type[Base], str]] = (
        (ExperimentRow, "id"),
        (TrialRow, "experiment_id"),
    )
    with database.transaction() as tx:
        for row_type, key in kinds:
            row = tx.scalars(select(row_type).where(getattr(row_type, key) == first)).one()
            columns = [column.key for column in inspect(row_type).columns]
            values = {name: getattr(row, name) for name in columns}
            if row_type is TrialRow:
                del values["id"]
            tx.execute(insert(row_type), [values | {key: id_} for id_ in ids])
    return scene


def _empty(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(delete(ExperimentRow))


def _databases() -> Iterator[tuple[str, Database]]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _opened("SQLite", f"sqlite:///{Path(folder) / 'epochd.sqlite3'}")
    with _postgres() as url:
        yield from _opened("PostgreSQL", url)


def _opened(name: str, url: str) -> Iterator[tuple[str, Database]]:
    migrate(url)
    database = Database(url)
    yield name, database
    database.dispose()


@contextmanager
def _postgres() -> Iterator[str]:
    with Leash() as leash:
        server = PostgresServer(leash, lasting=True)
        try:
            server.start()
            server.execute("CREATE DATABASE bench")
            yield server.url("bench")
        finally:
            server.stop()
