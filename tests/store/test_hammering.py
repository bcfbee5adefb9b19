"""Everything at once for a few seconds: no deadlock, no lock error, and the rows still add up."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from sqlalchemy import select

from models.errors import IllegalMove, LeaseLost, NotFound
from models.lifecycle import HELD, State, StopReason
from models.specs.experiment import Device
from models.tables.experiments import EventRow, ExperimentRow
from models.tables.trials import AttemptRow, EpochRow, TrialRow
from store import epochs, experiments, leases, queue, searches, trials
from store.database import Database
from store.fence import Lease
from store.outcomes import Succeeded
from tests.store.scenes import OWNER, Scene, epoch, planned

SECONDS = 4.0
EXPECTED = (IllegalMove, LeaseLost, NotFound)
DONE = Succeeded(stop_reason=StopReason.COMPLETED)

Step = Callable[[Scene, random.Random, list[str]], None]


def _train(scene: Scene, luck: random.Random, ids: list[str]) -> None:
    """Claim, write some epochs, and end in one of the ways there are."""
    del ids
    seconds = luck.choice((-1.0, 0.01, 30.0))
    with scene.database.transaction() as tx:
        claim = leases.claim(tx, worker="worker", device=Device.CPU, lease_seconds=seconds)
    if claim is None:
        return
    for number in range(1, luck.randint(1, 4)):
        scene.append(claim.lease, epoch(number, luck.random()))
        with scene.database.transaction() as tx:
            leases.renew(tx, [claim.lease], seconds)
    with scene.database.transaction() as tx:
        if luck.random() < 0.7:
            leases.finish(tx, claim.lease, DONE)
            if luck.random() < 0.3:
                trials.add(tx, claim.lease.experiment_id, planned(1))
        else:
            leases.release(tx, claim.lease, "The worker drains.")


def _beat(scene: Scene, luck: random.Random, ids: list[str]) -> None:
    """What the heart of a process does that holds every trial there is."""
    del luck, ids
    time.sleep(0.02)
    with scene.database.snapshot() as tx:
        rows = tx.execute(
            select(TrialRow.id, TrialRow.experiment_id, TrialRow.number, TrialRow.attempt).where(
                TrialRow.state.in_(HELD)
            )
        ).all()
    held = [
        Lease(trial_id=row.id, experiment_id=row[1], number=row.number, attempt=row.attempt)
        for row in rows
    ]
    with scene.database.transaction() as tx:
        leases.renew(tx, held, 0.05)
    with scene.database.snapshot() as tx:
        leases.orders(tx, held)


def _sweep(scene: Scene, luck: random.Random, ids: list[str]) -> None:
    del luck, ids
    time.sleep(0.02)
    with scene.database.transaction() as tx:
        leases.expire(tx, 1000)
    with scene.database.transaction() as tx:
        queue.unrung(tx, 0.0)
    with scene.database.snapshot() as tx:
        missed = searches.unadvanced(tx)
    for experiment_id in missed:
        with scene.database.transaction() as tx:
            locked = searches.lock(tx, experiment_id)
            if locked is not None and locked.state is State.CANCELLING:
                searches.conclude(tx, experiment_id, State.CANCELLED, None)


def _cancel(scene: Scene, luck: random.Random, ids: list[str]) -> None:
    time.sleep(0.02)
    experiment_id = luck.choice(ids)
    with scene.database.transaction() as tx:
        if luck.random() < 0.05:
            experiments.cancel(tx, owner=OWNER, experiment_id=experiment_id)
        else:
            number = luck.randint(1, 20)
            trials.cancel(tx, owner=OWNER, experiment_id=experiment_id, number=number)


def _poll(scene: Scene, luck: random.Random, ids: list[str]) -> None:
    time.sleep(0.02)  # as clients do; the writers shall have most of the processor
    experiment_id = luck.choice(ids)
    scene.experiment(experiment_id)
    with scene.database.snapshot() as tx:
        epochs.after(tx, owner=OWNER, experiment_id=experiment_id, number=1, after=0, limit=100)


def _submit(scene: Scene, luck: random.Random, ids: list[str]) -> None:
    time.sleep(0.1)
    ids.append(scene.submit(luck.randint(1, 20), max_parallel=luck.randint(1, 4)))


def _hammer(scene: Scene, steps: Sequence[Step]) -> tuple[list[BaseException], Counter[str]]:
    """Each step in a thread with connections of its own, over and over."""
    ids = [scene.submit(20, max_parallel=limit) for limit in (1, 2, 4, 8)]
    failures: list[BaseException] = []
    done: Counter[str] = Counter()
    until = time.monotonic() + SECONDS

    def repeat(index: int, step: Step) -> None:
        database = Database(scene.database.url)
        mine, luck = Scene(database), random.Random(index)  # noqa: S311 - a game of chance
        mine.dataset_id = scene.dataset_id
        while time.monotonic() < until:
            try:
                step(mine, luck, ids)
                done[step.__name__] += 1
            except EXPECTED:
                pass
            except BaseException as error:  # noqa: BLE001 - reported below
                failures.append(error)
                break
        database.dispose()

    threads = [
        threading.Thread(target=repeat, args=(index, step)) for index, step in enumerate(steps)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures, done


def _assert_all_adds_up(database: Database) -> None:
    with database.snapshot() as tx:
        for experiment in tx.scalars(select(ExperimentRow)):
            of = TrialRow.experiment_id == experiment.id
            states = Counter(tx.scalars(select(TrialRow.state).where(of)))
            assert sum(states[state] for state in HELD) <= experiment.max_parallel
            assert (experiment.finished_at is not None) is experiment.state.is_terminal
            numbers = tx.scalars(
                select(EventRow.number)
                .where(EventRow.experiment_id == experiment.id)
                .order_by(EventRow.number)
            ).all()
            assert list(numbers) == list(range(1, experiment.last_event + 1))
        for trial in tx.scalars(select(TrialRow)):
            assert (trial.lease_until is not None) is (trial.state in HELD)
            assert (trial.finished_at is not None) is trial.state.is_terminal
            attempts = tx.scalars(select(AttemptRow).where(AttemptRow.trial_id == trial.id)).all()
            assert len(attempts) == trial.attempt
            still_open = [attempt for attempt in attempts if attempt.ended_at is None]
            assert len(still_open) == (1 if trial.state in HELD else 0)
            written = tx.scalars(
                select(EpochRow.epoch).where(EpochRow.trial_id == trial.id).order_by(EpochRow.epoch)
            ).all()
            assert list(written) == list(range(1, trial.epochs_done + 1))


def test_no_two_transactions_ever_deadlock_or_break_a_rule(scene: Scene) -> None:
    steps = [_train, _train, _train, _beat, _sweep, _sweep, _cancel, _poll, _submit]
    failures, done = _hammer(scene, steps)
    assert failures == []
    assert done["_train"] > 0, done
    _assert_all_adds_up(scene.database)


def test_four_writers_are_never_told_that_the_database_is_locked(scene: Scene) -> None:
    failures, done = _hammer(scene, [_train, _train, _train, _train, _poll, _poll])
    assert failures == []
    assert done["_train"] > 0, done
    _assert_all_adds_up(scene.database)
