"""Thousands of steps by chance through everything that can happen, beside a plain model.

After every step the rows must be what the model says, the events must tell the same story, and what
is over must have stayed as it was. In the end the workers go on, and everything comes to an end.
"""

import math
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, event, update
from sqlalchemy.orm import Session

from models.errors import IllegalMove, LeaseLost, NotFound
from models.lifecycle import State, StopReason
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from models.views.base import Problem
from store import checkpoints, epochs, experiments, keys, leases, searches, trials
from store.artifacts import Stored
from store.clock import now
from store.database import Database
from store.fence import Lease
from store.leases import Order
from store.outcomes import Cancelled, Failed, Outcome, Succeeded
from tests.store import observed
from tests.store.model import Experiment, ExperimentFacts, Model, Trial
from tests.store.scenes import OWNER, Scene, beat, epoch, planned, spec_of
from worker.advance import advance

# Most runs end before their last step, by chance: enough of them for 5,000 steps whatever is drawn.
EXAMPLES, STEPS = 92, 75
MOST_EXPERIMENTS = 5

Choice = TypeVar("Choice")
Result = TypeVar("Result")

PICK = st.integers(0, 99)
WORKERS = st.sampled_from(["ada", "bob", "eve"])
VALUES = st.lists(st.sampled_from([0.5, 1.0, 2.0, math.nan]), min_size=1, max_size=3)


def _failed(reason: StopReason) -> Failed:
    return Failed(
        stop_reason=reason, problem=Problem(title="It failed", detail="It failed.", code=reason)
    )


OUTCOMES: tuple[tuple[Outcome, State, StopReason], ...] = (
    *(
        (Succeeded(stop_reason=reason), State.SUCCEEDED, reason)
        for reason in (StopReason.COMPLETED, StopReason.EARLY_STOPPED, StopReason.DIVERGED)
    ),
    *(
        (_failed(reason), State.FAILED, reason)
        for reason in (StopReason.ERROR, StopReason.TIMED_OUT)
    ),
)
CRASH = _failed(StopReason.OUT_OF_MEMORY)


def _stored(lease: Lease, at: int, *, attempt: int = 0) -> Stored:
    number = attempt or lease.attempt
    return Stored(keys.checkpoint(lease.experiment_id, lease.number, number, at), "0" * 64, 10)


ZOMBIE_WRITES: dict[str, Callable[[Session, Lease], object]] = {
    "register": lambda tx, lease: checkpoints.register(tx, lease, 1, _stored(lease, 1)),
    "forget": lambda tx, lease: checkpoints.forget(tx, lease, [_stored(lease, 1).key]),
    "append": lambda tx, lease: epochs.append(tx, lease, [epoch(1, 0.0)]),
    "renew": beat,
    "describe": lambda tx, lease: leases.describe(tx, lease, {"device": "zombie"}),
    "release": lambda tx, lease: leases.release(tx, lease, "A zombie gives it back."),
    "crashed": lambda tx, lease: leases.crashed(tx, lease, CRASH),
    "finish": lambda tx, lease: leases.finish(tx, lease, OUTCOMES[0][0]),
    "cancelled": lambda tx, lease: leases.finish(tx, lease, Cancelled()),
}


class Machine(RuleBasedStateMachine):
    """One service's database, its workers, its clients and its sweeper, a step at a time."""

    scene: ClassVar[Scene]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.history = observed.History()
        self.before: dict[str, ExperimentFacts] = {}
        self.leases: dict[tuple[str, int, int], Lease] = {}
        with self.scene.database.transaction() as tx:
            tx.execute(delete(ExperimentRow))

    # What clients do.

    @initialize()
    def submit_some(self) -> None:
        self.submit(2, 0, 1, 0)
        self.submit(3, 1, 2, 0)

    @precondition(lambda self: len(self.model.experiments) < MOST_EXPERIMENTS)
    @rule(
        count=st.integers(1, 3),
        to_come=st.integers(0, 2),
        places=st.integers(1, 3),
        priority=st.integers(0, 1),
    )
    def submit(self, count: int, to_come: int, places: int, priority: int) -> None:
        """The search of an experiment may add trials at its first step."""
        spec = spec_of(max_parallel=places, priority=priority)
        spec = spec.model_copy(update={"repeats": 1 + to_come})
        with self.scene.database.transaction() as tx:
            view = experiments.submit(
                tx,
                owner=OWNER,
                spec=spec,
                dataset_id=self.scene.dataset_id,
                trials=planned(count),
            )
        self.model.experiments[view.id] = Experiment(
            view.id, places, priority, [Trial(number) for number in range(1, count + 1)], to_come
        )

    @precondition(lambda self: self.model.experiments)
    @rule(pick=PICK)
    def cancel_trial(self, pick: int) -> None:
        experiment, trial = _one(list(self.model.all_trials()), pick)
        over = trial.state in {State.SUCCEEDED, State.FAILED}

        def verb(tx: Session) -> object:
            return trials.cancel(tx, owner=OWNER, experiment_id=experiment.id, number=trial.number)

        self._do(verb, IllegalMove if over else None)
        trial.cancel()

    @precondition(lambda self: self.model.experiments)
    @rule(pick=PICK)
    def cancel_experiment(self, pick: int) -> None:
        experiment = _one(list(self.model.experiments.values()), pick)
        over = experiment.state in {State.SUCCEEDED, State.FAILED}

        def verb(tx: Session) -> object:
            return experiments.cancel(tx, owner=OWNER, experiment_id=experiment.id)

        self._do(verb, IllegalMove if over else None)
        experiment.cancel()

    @precondition(lambda self: self.model.experiments)
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        experiment = _one(list(self.model.experiments.values()), pick)
        over = experiment.state.is_terminal

        def verb(tx: Session) -> object:
            return experiments.delete(tx, owner=OWNER, experiment_id=experiment.id)

        self._do(verb, None if over else IllegalMove)
        if over:
            del self.model.experiments[experiment.id]
            del self.before[experiment.id]
            self._do(verb, NotFound)

    # What workers do.

    @rule(worker=WORKERS, damaged=st.integers(0, 2))
    def claim(self, worker: str, damaged: int) -> None:
        """A worker goes on from the newest checkpoint that is not damaged, or from the start."""
        expected = self.model.next_to_claim()
        claim = self.scene.claim(worker)
        if claim is None or expected is None:
            assert (claim, expected) == (None, None)
            return
        experiment, trial = expected
        found = [(one.attempt, one.epoch) for one in claim.checkpoints]
        assert found == trial.checkpoints
        trial.claim(worker, next((epoch for _, epoch in found[damaged:]), 0))
        experiment.state = State.RUNNING
        key = (experiment.id, trial.number, trial.attempt)
        lease = claim.lease
        assert (lease.experiment_id, lease.number, lease.attempt) == key
        self.leases[key] = lease

    @precondition(lambda self: self._can_work())
    @rule(pick=PICK)
    def beat(self, pick: int) -> None:
        _, trial, lease = self._held(pick)
        order = self._do(lambda tx: beat(tx, lease))
        assert order is (Order.CANCEL if trial.state is State.CANCELLING else Order.GO_ON)
        trial.overdue = False

    @precondition(lambda self: self._can_work())
    @rule(pick=PICK, values=VALUES, keep=st.booleans(), again=st.booleans())
    def write_epochs(self, pick: int, values: list[float], *, keep: bool, again: bool) -> None:
        """Sometimes twice: a worker cannot know whether a commit without an answer was one."""
        _, trial, lease = self._held(pick)
        rows = [epoch(trial.at + 1 + index, value) for index, value in enumerate(values)]
        trial.write(values)
        superfluous = trial.keep() if keep else []

        def verb(tx: Session) -> tuple[str, ...]:
            epochs.append(tx, lease, rows)
            return (
                checkpoints.register(tx, lease, trial.at, _stored(lease, trial.at)) if keep else ()
            )

        expected = tuple(_stored(lease, at, attempt=attempt).key for attempt, at in superfluous)
        assert self._do(verb) == expected
        if again:
            assert self._do(verb) == ()

    @precondition(lambda self: self._can_work())
    @rule(pick=PICK)
    def drop_a_checkpoint(self, pick: int) -> None:
        _, trial, lease = self._held(pick)
        if trial.checkpoints:
            attempt, at = trial.checkpoints.pop(0)
            unusable = _stored(lease, at, attempt=attempt).key
            self._do(lambda tx: checkpoints.forget(tx, lease, [unusable]))

    @precondition(lambda self: self._can_work())
    @rule(pick=PICK, end=st.sampled_from(OUTCOMES), goes_on=st.booleans())
    def finish(self, pick: int, end: tuple[Outcome, State, StopReason], *, goes_on: bool) -> None:
        """Sometimes a mistake keeps the experiment from going on; the sweeper sees to that."""
        experiment, trial, lease = self._held(pick)
        outcome, state, stop_reason = end

        def verb(tx: Session) -> State:
            found = leases.finish(tx, lease, outcome, resumed=trial.resumed)
            if goes_on:
                advance(tx, experiment.id)
            return found

        found = self._do(verb)
        trial.finish(state, stop_reason)
        assert found is trial.state
        if goes_on:
            experiment.advance()

    @precondition(lambda self: self._can_work())
    @rule(pick=PICK)
    def end_after_a_cancel(self, pick: int) -> None:
        _, trial, lease = self._held(pick)
        wanted = trial.state is State.CANCELLING

        def verb(tx: Session) -> State:
            return leases.finish(tx, lease, Cancelled(), resumed=trial.resumed)

        self._do(verb, None if wanted else IllegalMove)
        if wanted:
            trial.finish(State.CANCELLED, StopReason.CANCELLED)

    @precondition(lambda self: self._can_work())
    @rule(pick=PICK)
    def crash(self, pick: int) -> None:
        _, trial, lease = self._held(pick)
        state = self._do(lambda tx: leases.crashed(tx, lease, CRASH))
        trial.crash(CRASH.stop_reason, CRASH.stop_reason)
        assert state is trial.state

    @precondition(lambda self: self._can_work())
    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        _, trial, lease = self._held(pick)
        state = self._do(lambda tx: leases.release(tx, lease, "Its worker was told to end."))
        trial.give_up("released")
        assert state is trial.state

    @precondition(lambda self: self._lost())
    @rule(pick=PICK, name=st.sampled_from(sorted(ZOMBIE_WRITES)))
    def write_as_a_zombie(self, pick: int, name: str) -> None:
        lease = _one(self._lost(), pick)
        self._do(lambda tx: ZOMBIE_WRITES[name](tx, lease), LeaseLost)

    # What time and the sweeper do.

    @rule(pick=PICK)
    def let_leases_run_out(self, pick: int) -> None:
        """Of one experiment, or of all."""
        chosen = [id_ for index, id_ in enumerate(self.model.experiments) if pick % 3 in {0, index}]
        with self.scene.database.transaction() as tx:
            tx.execute(
                update(TrialRow)
                .where(TrialRow.lease_until.is_not(None), TrialRow.experiment_id.in_(chosen))
                .values(lease_until=now(-1))
            )
        for experiment, trial in self.model.held():
            trial.overdue = trial.overdue or experiment.id in chosen

    @rule()
    def expire(self) -> None:
        overdue = [(one.id, trial) for one, trial in self.model.held() if trial.overdue]
        with self.scene.database.transaction() as tx:
            expired = leases.expire(tx)
        for _, trial in overdue:
            trial.crash("expired", StopReason.WORKER_LOST)
        assert {(one.experiment_id, one.number, one.attempt, one.state) for one in expired} == {
            (id_, trial.number, trial.attempt, trial.state) for id_, trial in overdue
        }

    @rule()
    def sweep(self) -> None:
        self.expire()
        with self.scene.database.snapshot() as tx:
            missed = searches.unadvanced(tx)
        for experiment_id in missed:
            with self.scene.database.transaction() as tx:
                advance(tx, experiment_id)
        for experiment in self.model.experiments.values():
            if all(trial.state.is_terminal for trial in experiment.trials):
                experiment.advance()

    # What must hold.

    @invariant()
    def the_rows_are_what_they_must_be(self) -> None:
        Machine.steps += 1
        with self.scene.database.snapshot() as tx:
            found = observed.facts(tx)
            self.history.follow(tx, found)
        assert found == self.model.facts()
        for id_, then in self.before.items():
            _assert_only_forwards(then, found[id_])
        for id_, facts in found.items():
            held = sum(trial.worker is not None for trial in facts.trials)
            assert held <= self.model.experiments[id_].places
        self.before = found

    def teardown(self) -> None:
        """The workers go on; whatever was submitted comes to an end."""
        if sys.exc_info()[0] is None:  # a step failed: that is what has to be told
            self._drain()

    def _drain(self) -> None:
        self.let_leases_run_out(pick=0)
        self.sweep()
        while self.model.next_to_claim():
            self.claim("ada", 0)
            self.write_epochs(0, [1.0], keep=True, again=False)
            self.finish(0, OUTCOMES[0], goes_on=True)
        self.sweep()
        self.sweep()  # a search may have added trials
        while self.model.next_to_claim():
            self.claim("ada", 0)
            self.finish(0, OUTCOMES[0], goes_on=True)
        self.the_rows_are_what_they_must_be()
        assert all(experiment.state.is_terminal for experiment in self.model.experiments.values())
        for _ in range(len(self.model.experiments)):
            self.delete(0)
        self.the_rows_are_what_they_must_be()

    def _do(
        self, verb: Callable[[Session], Result], refused: type[Exception] | None = None
    ) -> Result | None:
        """One transaction; one that is to be refused gives None, and leaves nothing behind."""
        expected = pytest.raises(refused) if refused else nullcontext()
        with expected, self.scene.database.transaction() as tx:
            return verb(tx)
        return None

    def _can_work(self) -> bool:
        return bool(self.model.held() or self.model.next_to_claim())

    def _held(self, pick: int) -> tuple[Experiment, Trial, Lease]:
        """A trial that is held; claimed now if there is none, so that most steps are work."""
        if not self.model.held():
            self.claim("ada", pick % 4)
        experiment, trial = _one(self.model.held(), pick)
        return experiment, trial, self.leases[experiment.id, trial.number, trial.attempt]

    def _lost(self) -> list[Lease]:
        held = {(one.id, trial.number, trial.attempt) for one, trial in self.model.held()}
        return [lease for key, lease in self.leases.items() if key not in held]


def _one(choices: list[Choice], pick: int) -> Choice:
    return choices[pick % len(choices)]


def _assert_only_forwards(before: ExperimentFacts, after: ExperimentFacts) -> None:
    """What is over stays as it was, attempts only grow, and no trial disappears."""
    if before.state.is_terminal:
        assert after == before
    for then, later in zip(before.trials, after.trials, strict=False):
        assert later == then if then.state.is_terminal else later.attempt >= then.attempt
    assert len(after.trials) >= len(before.trials)


@pytest.fixture
def opened_database(database_url: str) -> Iterator[Database]:
    """Thousands of commits, and no power failure: SQLite need not wait for the disk."""
    database = Database(database_url)
    if database_url.startswith("sqlite"):
        event.listen(database._reader, "connect", _do_not_wait_for_the_disk)
    yield database
    database.dispose()


def _do_not_wait_for_the_disk(connection: sqlite3.Connection, record: object) -> None:
    del record
    connection.execute("PRAGMA synchronous=OFF").close()


@pytest.mark.timeout(600)  # beside other work on the same two cores
def test_whatever_happens_in_whatever_order_the_rows_are_what_they_must_be(scene: Scene) -> None:
    Machine.scene, Machine.steps = scene, 0
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Machine.steps >= 5000
