"""One heart keeps the leases of a whole process: each for itself, and without being waited for."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from models.errors import Unavailable
from models.lifecycle import State
from models.tables.trials import TrialRow
from store import leases, trials
from store.clock import now
from store.database import Database
from store.fence import Lease
from tests.store.scenes import OWNER, Scene
from tests.worker.site import until
from worker.heartbeat import Heart
from worker.timing import Timing

TIMING = Timing(lease=30.0, beat=0.1, order=0.05)
# On a machine whose cores are busy with other tests.
SOON_SECONDS = 30.0
OUTAGE_SECONDS = 10.0
# Of a stack: no thread can be started with so many bytes.
MORE_THAN_ANY_MEMORY = 2**46


@pytest.fixture
def scene(database_url: str) -> Iterator[Scene]:
    database = Database(database_url)
    made = Scene(database)
    made.add_dataset()
    yield made
    database.dispose()


def claimed(scene: Scene, count: int, seconds: float = 0.0) -> list[Lease]:
    """That many held trials of one experiment, whose leases are about to run out."""
    scene.submit(count, max_parallel=count)
    return [scene.must_claim(seconds=seconds) for _ in range(count)]


def overdue(scene: Scene) -> int:
    """How many leases have run out."""
    with scene.database.snapshot() as tx:
        query = select(func.count()).where(TrialRow.lease_until < now())
        return tx.scalars(query).one()


def test_all_leases_of_a_process_are_renewed(scene: Scene) -> None:
    held = claimed(scene, 5)
    heart = Heart(scene.database, TIMING)
    beats = [heart.heartbeat(lease) for lease in held]
    for beat in beats:
        beat.__enter__()

    until(lambda: overdue(scene) == 0, "renewal", SOON_SECONDS)

    for beat in beats:
        beat.__exit__(None, None, None)
    assert not any(beat.lost or beat.cancelled for beat in beats)


def test_a_lost_lease_does_not_hurt_the_others(scene: Scene) -> None:
    gone, kept = claimed(scene, 2)
    with scene.database.transaction() as tx:
        leases.release(tx, gone, "a test takes it away")
    again = scene.must_claim("another", seconds=-1.0)
    heart = Heart(scene.database, TIMING)

    with heart.heartbeat(gone) as first, heart.heartbeat(kept) as second:
        until(lambda: first.lost, "the loss", SOON_SECONDS)
        until(lambda: overdue(scene) == 1, "the renewal of the other", SOON_SECONDS)

    assert not second.lost
    assert again.trial_id == gone.trial_id  # it is another attempt's, and was not renewed for it


def test_a_cancel_reaches_its_own_trial_alone(scene: Scene) -> None:
    wanted, other = claimed(scene, 2)
    heart = Heart(scene.database, TIMING)

    with heart.heartbeat(wanted) as first, heart.heartbeat(other) as second:
        with scene.database.transaction() as tx:
            trials.cancel(tx, owner=OWNER, experiment_id=wanted.experiment_id, number=wanted.number)
        until(lambda: first.cancelled, "the cancel", SOON_SECONDS)

    assert not first.lost
    assert not second.cancelled


def test_a_trial_that_another_transaction_holds_is_renewed_later_and_the_others_at_once(
    scene: Scene,
) -> None:
    if not scene.database.url.startswith("postgresql"):
        pytest.skip("on SQLite there is one writer at a time")
    busy, free = claimed(scene, 2)
    with scene.database.transaction() as tx:
        tx.execute(select(TrialRow.id).where(TrialRow.id == busy.trial_id).with_for_update())
        with scene.database.transaction() as other:
            renewed = leases.renew(other, [busy, free])
            known = leases.orders(other, [busy, free])

    assert renewed == {free}
    assert set(known) == {busy, free}  # busy is not lost


@pytest.mark.parametrize("trials_held", [1, 8])
def test_a_beat_costs_one_write_and_one_read_however_many_trials_are_held(
    scene: Scene, trials_held: int
) -> None:
    held = claimed(scene, trials_held)
    statements: list[object] = []
    with scene.database.transaction() as tx:
        tx.execute(select(now()))  # on SQLite the transaction's begin is a statement of its own
        event.listen(
            tx.get_bind(), "before_cursor_execute", lambda *about: statements.append(about[2])
        )
        leases.renew(tx, held)
        leases.orders(tx, held)
    assert len(statements) == 2


class Severed(Database):
    """Does not answer while it is cut off."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.back = threading.Event()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        if not self.back.wait(OUTAGE_SECONDS):
            raise Unavailable
        with super().transaction() as tx:
            yield tx

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        if not self.back.wait(OUTAGE_SECONDS):
            raise Unavailable
        with super().snapshot() as tx:
            yield tx


def test_a_database_that_does_not_answer_holds_nobody_up_and_is_asked_when_it_is_back(
    scene: Scene,
) -> None:
    (lease,) = claimed(scene, 1)
    database = Severed(scene.database.url)
    heart = Heart(database, TIMING)

    with heart.heartbeat(lease) as ended:
        time.sleep(2 * TIMING.order)  # the beat is under way
        begun = time.monotonic()
    took = time.monotonic() - begun
    with heart.heartbeat(lease) as beat:
        lost = beat.lost
        database.back.set()
        until(lambda: overdue(scene) == 0, "renewal", SOON_SECONDS)

    database.dispose()
    assert took < OUTAGE_SECONDS / 2
    assert not ended.lost
    assert not lost
    assert scene.trial(lease.experiment_id).state is State.RUNNING


def test_a_process_that_may_have_no_more_threads_keeps_the_next_trial_all_the_same(
    scene: Scene,
) -> None:
    unlucky, lucky = claimed(scene, 2)
    heart = Heart(scene.database, TIMING)
    usual = threading.stack_size(MORE_THAN_ANY_MEMORY)
    try:
        with pytest.raises(RuntimeError), heart.heartbeat(unlucky):
            pass
    finally:
        threading.stack_size(usual)

    with heart.heartbeat(lucky):
        until(lambda: overdue(scene) == 1, "the renewal of the one", SOON_SECONDS)
