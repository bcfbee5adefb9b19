"""Nobody who lives is taken for dead: not when the database stops and goes on, not when clocks do.

Every scene has real sweepers, which are seen to take a dead worker's trial before and after.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from epochd.embedded.leash import Leash
from models.lifecycle import State
from store.database import Database
from store.doorbell import Doorbell
from store.schema import migrate
from tests.servers.databases import Databases
from tests.servers.postgres import PostgresServer
from tests.store.scenes import Scene
from tests.worker.site import until
from worker.grace import GracePeriod
from worker.heartbeat import Heart
from worker.sweep import Sweeper
from worker.timing import Timing

TIMING = Timing(lease=1.5, beat=0.25, order=0.1, sweep=0.1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

Freezing = Callable[[float], None]


class Watched:
    """Trials of one database: one that a heart keeps, and those that nobody keeps."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.kept = scene.submit()

    def abandon(self) -> None:
        """Claim a trial, forget it, and wait until a sweeper has taken it back."""
        dead = self.scene.submit()
        self.scene.must_claim("dead", seconds=0.1)

        def reclaimed() -> bool:
            return self.scene.trial(dead).state is State.QUEUED

        until(reclaimed, "the dead worker's trial", 20 * TIMING.lease)
        assert self.scene.must_claim("another", seconds=3600).experiment_id == dead


@contextmanager
def watched(url: str, broker_url: str) -> Iterator[Watched]:
    """Two sweepers, as in two processes, and a worker that keeps a trial."""
    with ExitStack() as ending:
        databases = [Database(url) for _ in range(4)]
        for database in databases:
            ending.callback(database.dispose)
        doorbell = ending.enter_context(closing(Doorbell(broker_url)))
        scene = Scene(databases[0])
        scene.add_dataset()
        found = Watched(scene)
        lease = scene.must_claim("living", seconds=TIMING.lease)
        heart = Heart(databases[1], TIMING)
        beat = ending.enter_context(heart.heartbeat(lease))
        for database in databases[2:]:
            sweeper = Sweeper(database=database, doorbell=doorbell, timing=TIMING)
            sweeper.start()
            ending.callback(sweeper.stop)
        found.abandon()
        yield found
        found.abandon()  # the sweepers sweep again
        assert not beat.lost
        (attempt,) = scene.trial(found.kept).attempts
        assert attempt.outcome is None


@pytest.fixture
def own_postgres(leash: Leash) -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    server = PostgresServer(leash)
    server.start()
    yield server
    server.stop()


# Without an error anywhere, and with some.
@pytest.mark.parametrize(("leases", "times"), [(1.5, 2), (3, 1)])
def test_a_postgresql_that_is_stopped_and_goes_on_costs_no_living_worker_its_trial(
    own_postgres: PostgresServer, broker_url: str, leases: float, times: int
) -> None:
    migrate(own_postgres.url())
    with watched(own_postgres.url(), broker_url):
        for _ in range(times):
            own_postgres.freeze()
            time.sleep(leases * TIMING.lease)
            own_postgres.thaw()
            time.sleep(TIMING.lease / 2)


def test_an_sqlite_that_another_process_blocks_costs_no_living_worker_its_trial(
    databases: Databases, broker_url: str
) -> None:
    with databases.fresh("sqlite") as url, watched(url, broker_url):
        file = Path(url.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as blocking:
            for _ in range(2):
                blocking.execute("BEGIN EXCLUSIVE")
                time.sleep(2 * TIMING.lease)
                blocking.execute("COMMIT")
                time.sleep(TIMING.lease / 2)


class Clocks:
    """A database's clock, told to a GracePeriod."""

    LEASE = 0.5

    def __init__(self) -> None:
        self.grace = GracePeriod(self.LEASE)
        self._begun = time.monotonic()
        self._offset = timedelta(0)
        until(self.settled, "the first lease", 5.0)

    def set_forward(self, seconds: float) -> None:
        self._offset += timedelta(seconds=seconds)

    def settled(self) -> bool:
        asked_at = time.monotonic()
        self.grace.answered(
            NOON + timedelta(seconds=asked_at - self._begun) + self._offset, asked_at=asked_at
        )
        return self.grace.may_judge()


@pytest.mark.parametrize("seconds", [3600.0, 0.25, -0.25, -3600.0])
def test_a_clock_that_was_set_lets_a_lease_pass_before_anybody_is_judged(seconds: float) -> None:
    clocks = Clocks()
    clocks.set_forward(seconds)
    set_at = time.monotonic()

    assert not clocks.settled()
    until(clocks.settled, "another lease", 5.0)

    assert time.monotonic() - set_at >= Clocks.LEASE


def test_a_clock_that_goes_as_ours_does_disturbs_nobody_however_far_it_is_off() -> None:
    clocks = Clocks()
    for _ in range(10):
        clocks.set_forward(0.005)
        assert clocks.settled()


def test_an_answer_that_took_long_lets_a_lease_pass_before_anybody_is_judged() -> None:
    clocks = Clocks()
    asked_at = time.monotonic()
    time.sleep(0.6 * Clocks.LEASE)
    clocks.grace.answered(NOON, asked_at=asked_at)

    assert not clocks.grace.may_judge()
