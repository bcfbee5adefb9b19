"""What follows from a trial's end, also where it cannot be decided."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, update

from epochd.embedded.leash import Leash
from models import failures
from models.findings import Finding, Judgement
from models.lifecycle import State, StopReason
from models.specs.experiment import Device
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from store import epochs, experiments, leases, trials
from store.epochs import EpochRecord
from store.fence import Lease
from store.outcomes import Cancelled, Failed, Succeeded
from tests.worker.site import OWNER, Site, site
from tests.worker.specs import small
from worker import concluding
from worker.advance import advance
from worker.sweep import Sweeper
from worker.timing import Timing


@pytest.fixture
def here(database_url: str, broker_url: str, leash: Leash, tmp_path: Path) -> Iterator[Site]:
    """A site without worker processes."""
    with site(
        database_url=database_url, broker_url=broker_url, folder=tmp_path, leash=leash
    ) as made:
        yield made


def _state(here: Site, experiment_id: str) -> tuple[State, bool]:
    """Where it stands, and whether it has an error; its view needs a spec that can be read."""
    with here.database.snapshot() as tx:
        row = tx.scalars(select(ExperimentRow).where(ExperimentRow.id == experiment_id)).one()
        return row.state, row.error is not None


def _break(here: Site, experiment_id: str) -> None:
    """Store a spec that no version can read."""
    with here.database.transaction() as tx:
        tx.execute(update(ExperimentRow).where(ExperimentRow.id == experiment_id).values(spec={}))


@pytest.mark.parametrize("cancelled", [True, False])
def test_an_experiment_that_cannot_go_on_ends_and_holds_up_no_other(
    here: Site, *, cancelled: bool
) -> None:
    broken, sound = (here.submit(small(here.table()), ring=False) for _ in range(2))
    for _ in range(2):
        with here.database.transaction() as tx:
            assert leases.claim(tx, worker="gone", device=Device.CPU, lease_seconds=0.0)
    with here.database.transaction() as tx:
        experiments.cancel(tx, owner=OWNER, experiment_id=sound)
        if cancelled:
            experiments.cancel(tx, owner=OWNER, experiment_id=broken)
    _break(here, broken)
    if not cancelled:
        with here.database.transaction() as tx:
            leases.expire(tx, max_crashes=1)

    Sweeper(database=here.database, doorbell=here.doorbell, timing=Timing(lease=0.0)).sweep()

    assert _state(here, sound) == (State.CANCELLED, False)
    assert _state(here, broken) == ((State.CANCELLED, False) if cancelled else (State.FAILED, True))


def _end_next(here: Site, experiment_id: str, code: str | None) -> int:
    """Play the worker that claims the next trial and ends it, by that failure or with a score."""
    with here.database.transaction() as tx:
        claim = leases.claim(tx, worker="worker", device=Device.CPU)
    assert claim is not None
    return _end(here, claim.lease, code, experiment_id)


def _end(here: Site, lease: Lease, code: str | None, experiment_id: str) -> int:
    row = EpochRecord(epoch=1, metrics={"val_loss": 0.5}, learning_rate=0.001, seconds=0.1)
    with here.database.transaction() as tx:
        if code is None:
            epochs.append(tx, lease, [row])
            leases.finish(tx, lease, Succeeded(stop_reason=StopReason.COMPLETED))
        else:
            reason = StopReason.OUT_OF_MEMORY if code == "out_of_memory" else StopReason.ERROR
            problem = failures.problem(code, f"Trial {lease.number} failed.")
            leases.finish(tx, lease, Failed(stop_reason=reason, problem=problem))
        advance(tx, experiment_id)
    return lease.number


def _grid(here: Site, *batch_sizes: int, **limits: object) -> str:
    search = {"strategy": "grid", "over": {"fit.batch_size": list(batch_sizes)}}
    return here.submit(small(here.table(), search=search, limits=limits), ring=False)


def test_a_search_whose_trials_fail_of_the_same_again_and_again_is_given_up(here: Site) -> None:
    experiment_id = _grid(here, 1, 2, 4, 8, 16, 32)
    _end_next(here, experiment_id, None)
    for _ in range(3):
        assert not here.experiment(experiment_id).is_terminal
        _end_next(here, experiment_id, "out_of_memory")

    view = here.experiment(experiment_id)
    assert view.state is State.SUCCEEDED  # one has a score
    assert view.error is None
    assert view.progress.trials == {State.SUCCEEDED: 1, State.FAILED: 3, State.CANCELLED: 2}
    assert view.conclusion is not None
    assert "3 trials in a row failed with out_of_memory" in view.conclusion.reason
    told = here.events(experiment_id)
    assert [event.kind for event in told][-4:] == [
        "experiment.given_up",
        "trial.cancelled",
        "trial.cancelled",
        "experiment.succeeded",
    ]
    assert {event.reason for event in told[-4:-1]} == {view.conclusion.reason}


def test_without_any_score_it_has_failed_then(here: Site) -> None:
    experiment_id = _grid(here, 1, 2, 4, 8, max_failed=2)
    for _ in range(2):
        _end_next(here, experiment_id, "training_failed")
    view = here.experiment(experiment_id)
    assert view.state is State.FAILED
    assert view.error is not None
    assert view.error.code == failures.NO_SCORE
    assert view.conclusion is not None
    assert "2 trials in a row" in view.conclusion.reason


def test_failures_of_different_kinds_or_with_a_success_between_do_not_end_a_search(
    here: Site,
) -> None:
    codes = ["out_of_memory", "out_of_memory", None, "out_of_memory", "training_failed"]
    experiment_id = _grid(here, 1, 2, 4, 8, 16, 32)
    for code in [*codes, "out_of_memory"]:
        _end_next(here, experiment_id, code)
    view = here.experiment(experiment_id)
    assert view.conclusion is not None
    assert view.conclusion.reason == "all 6 settings tried"


def test_what_runs_when_a_search_is_given_up_is_left_to_end_and_counts(here: Site) -> None:
    experiment_id = _grid(here, 1, 2, 4, 8, 16, max_failed=1)
    leases_held = []
    for _ in range(3):
        with here.database.transaction() as tx:
            claim = leases.claim(tx, worker="worker", device=Device.CPU)
        assert claim is not None
        leases_held.append(claim.lease)
    failing, good, cancelled = leases_held

    _end(here, failing, "out_of_memory", experiment_id)

    view = here.experiment(experiment_id)
    assert view.state is State.RUNNING
    assert view.error is not None
    assert view.error.code == failures.SEARCH_GIVEN_UP
    assert view.progress.trials == {State.FAILED: 1, State.RUNNING: 2, State.CANCELLED: 2}
    _end(here, good, None, experiment_id)
    assert here.experiment(experiment_id).progress.trials[State.RUNNING] == 1
    with here.database.transaction() as tx:
        trials.cancel(tx, owner=OWNER, experiment_id=experiment_id, number=cancelled.number)
        leases.finish(tx, cancelled, Cancelled())
        advance(tx, experiment_id)
    view = here.experiment(experiment_id)
    assert view.state is State.SUCCEEDED
    assert view.conclusion is not None
    assert view.conclusion.winner is not None
    assert view.conclusion.winner.trial == good.number
    assert "A trial failed with out_of_memory" in view.conclusion.reason


def test_a_search_of_which_everything_was_started_is_not_given_up(here: Site) -> None:
    experiment_id = _grid(here, 1, 2, 4)
    for _ in range(3):
        _end_next(here, experiment_id, "out_of_memory")
    view = here.experiment(experiment_id)
    assert view.conclusion is not None
    assert view.conclusion.reason == "all 3 settings tried"


def test_points_that_were_skipped_do_not_count_as_failures_in_a_row(here: Site) -> None:
    experiment_id = _grid(here, 1000, 1001, 1002, 1003, 2, 4)  # of 400 rows
    assert here.experiment(experiment_id).progress.trials == {State.FAILED: 4, State.QUEUED: 2}
    assert _end_next(here, experiment_id, "invalid_spec") == 5
    assert _end_next(here, experiment_id, None) == 6
    view = here.experiment(experiment_id)
    assert view.state is State.SUCCEEDED
    assert view.conclusion is not None
    assert view.conclusion.reason == "all 6 settings tried"


def _cancel(here: Site, experiment_id: str, number: int) -> None:
    """What a client does, and then the control worker."""
    with here.database.transaction() as tx:
        trials.cancel(tx, owner=OWNER, experiment_id=experiment_id, number=number)
    with here.database.transaction() as tx:
        advance(tx, experiment_id)


@pytest.mark.parametrize("strategy", ["grid", "tpe"])
def test_a_search_goes_on_after_a_trial_that_a_client_cancelled_and_tries_it_no_more(
    here: Site, strategy: str
) -> None:
    over = {"fit.batch_size": [1, 2, 4, 8]}
    count = {"count": 4, "startup": 1} if strategy == "tpe" else {}
    search = {"strategy": strategy, "over": over, **count}
    limits = {"max_parallel": 1}
    experiment_id = here.submit(small(here.table(), search=search, limits=limits), ring=False)
    _cancel(here, experiment_id, 1)  # while it is queued
    with here.database.transaction() as tx:
        claim = leases.claim(tx, worker="worker", device=Device.CPU)
    assert claim is not None
    _cancel(here, experiment_id, claim.lease.number)  # while it runs
    with here.database.transaction() as tx:
        leases.finish(tx, claim.lease, Cancelled())
        advance(tx, experiment_id)
    for _ in range(2):
        _end_next(here, experiment_id, None)

    view = here.experiment(experiment_id)
    assert view.state is State.SUCCEEDED
    assert view.progress.trials == {State.CANCELLED: 2, State.SUCCEEDED: 2}
    tried = [trial.setting["batch_size"] for trial in here.trials(experiment_id)]
    assert sorted(map(int, map(str, tried))) == [1, 2, 4, 8]


@pytest.mark.parametrize("strategy", ["grid", "tpe", "capacity"])
def test_every_search_goes_on_after_a_trial_that_did_not_fit_into_memory(
    here: Site, strategy: str
) -> None:
    spec = small(here.table(), limits={"max_parallel": 1})
    if strategy == "capacity":
        del spec["network"]
        search: dict[str, object] = {"start": 2, "factor": 2, "max_units": 4, "seeds": 1}
    else:
        search = {"over": {"fit.batch_size": [1, 2, 4]}}
        search |= {"count": 3, "startup": 1} if strategy == "tpe" else {}
    spec["search"] = {"strategy": strategy, **search}
    experiment_id = here.submit(spec, ring=False)

    _end_next(here, experiment_id, "out_of_memory")
    while not here.experiment(experiment_id).is_terminal:
        _end_next(here, experiment_id, None)

    view = here.experiment(experiment_id)
    assert view.state is State.SUCCEEDED
    assert view.progress.trials[State.FAILED] == 1
    assert view.progress.trials[State.SUCCEEDED] > 1
    assert view.conclusion is not None
    assert any("out of memory" in sentence for sentence in view.conclusion.summary)


def test_a_search_that_proposes_what_cannot_be_trained_again_and_again_comes_to_its_end(
    here: Site,
) -> None:
    """One size in 31 fits 280 training rows, and each proposal is one step of the search."""
    sizes = [2, *range(1000, 1030)]
    search = {"strategy": "tpe", "over": {"fit.batch_size": sizes}, "count": 31, "startup": 31}
    limits = {"max_parallel": 1}
    experiment_id = here.submit(small(here.table(), search=search, limits=limits), ring=False)

    trained = 0
    while not here.experiment(experiment_id).is_terminal:
        with here.database.transaction() as tx:  # what the sweeper does, where nothing is active
            queued = advance(tx, experiment_id)
        if queued or here.experiment(experiment_id).progress.trials.get(State.QUEUED):
            _end_next(here, experiment_id, None)
            trained += 1

    view = here.experiment(experiment_id)
    assert (view.state, trained) == (State.SUCCEEDED, 1)
    assert view.progress.trials == {State.SUCCEEDED: 1, State.FAILED: 30}


def test_an_experiment_cancelled_between_two_trials_still_says_what_it_showed(here: Site) -> None:
    rates = {"strategy": "learning_rates", "values": [0.001, 0.01]}
    experiment_id = here.submit(small(here.table(), search=rates), ring=False)
    _end_next(here, experiment_id, None)

    with here.database.transaction() as tx:
        experiments.cancel(tx, owner=OWNER, experiment_id=experiment_id)
    with here.database.transaction() as tx:
        advance(tx, experiment_id)

    view = here.experiment(experiment_id)
    assert view.state is State.CANCELLED
    assert view.conclusion is not None
    assert view.conclusion.winner is not None
    assert view.conclusion.winner.trial == 1


def test_health_that_cannot_be_concluded_does_not_cost_the_conclusion(
    here: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken(*_: object, **__: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(concluding, "telling", mistaken)
    experiment_id = here.submit(small(here.table()), ring=False)
    with here.database.transaction() as tx:
        claim = leases.claim(tx, worker="gone", device=Device.CPU)
        assert claim is not None
        record = EpochRecord(epoch=1, metrics={"val_loss": 0.5}, learning_rate=0.1, seconds=1.0)
        epochs.append(tx, claim.lease, [record])
        leases.finish(tx, claim.lease, Succeeded(stop_reason=StopReason.COMPLETED))
        advance(tx, experiment_id)
    view = here.experiment(experiment_id)
    assert view.state is State.SUCCEEDED
    assert view.conclusion is not None
    assert view.conclusion.winner is not None
    assert any("cannot be concluded" in line for line in caplog.messages)


ILL = Finding(
    code="dead_neurons",
    severity="problem",
    evidence="60 % never answer.",
    explanation="They are dead.",
    advice="Try LeakyReLU.",
)


def test_two_trials_that_end_at_the_same_time_are_both_told_of_in_one_conclusion(
    here: Site,
) -> None:
    search = {"strategy": "grid", "over": {"fit.batch_size": [16, 32]}}
    experiment_id = here.submit(small(here.table(), search=search), ring=False)
    held = []
    for _ in range(2):
        with here.database.transaction() as tx:
            claim = leases.claim(tx, worker="worker", device=Device.CPU)
            assert claim is not None
            record = EpochRecord(epoch=1, metrics={"val_loss": 0.5}, learning_rate=0.1, seconds=1.0)
            epochs.append(tx, claim.lease, [record])
        held.append(claim.lease)
    start = threading.Barrier(len(held))

    def end(lease: Lease) -> None:
        start.wait()
        with here.database.transaction() as tx:
            done = Succeeded(stop_reason=StopReason.COMPLETED, judgement=Judgement(findings=(ILL,)))
            leases.finish(tx, lease, done)
            advance(tx, experiment_id)

    with ThreadPoolExecutor() as threads:
        list(threads.map(end, held))

    view = here.experiment(experiment_id)
    assert view.conclusion is not None
    assert view.conclusion.summary[-1] == (
        "Health of the winner, trial 1: dead neurons (2 of 2 trials). 60 % never answer. "
        "Try LeakyReLU."
    )
    assert view.findings == (ILL,)
    ended = [event for event in here.events(experiment_id) if event.kind == "experiment.succeeded"]
    assert len(ended) == 1


def test_a_conclusion_reads_no_more_findings_than_it_tells(here: Site) -> None:
    """What another version found in the others cannot be read, and need not be."""
    search = {"strategy": "grid", "over": {"fit.batch_size": [16, 32, 64]}}
    experiment_id = here.submit(small(here.table(), search=search), ring=False)
    for _ in range(2):
        _end_next(here, experiment_id, None)
    unreadable = [ILL.model_dump(mode="json") | {"certainty": 0.9}]
    with here.database.transaction() as tx:
        tx.execute(update(TrialRow).where(TrialRow.number < 3).values(findings=unreadable))
        claim = leases.claim(tx, worker="worker", device=Device.CPU)
        assert claim is not None
        record = EpochRecord(epoch=1, metrics={"val_loss": 0.1}, learning_rate=0.1, seconds=1.0)
        epochs.append(tx, claim.lease, [record])
        done = Succeeded(stop_reason=StopReason.COMPLETED, judgement=Judgement(findings=(ILL,)))
        leases.finish(tx, claim.lease, done)
        advance(tx, experiment_id)

    view = here.experiment(experiment_id)
    assert view.conclusion is not None
    assert "trial 3: dead neurons (3 of 3 trials)" in view.conclusion.summary[-1]
