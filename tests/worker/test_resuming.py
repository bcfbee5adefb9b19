"""Trials go on where they were: what is kept, what is found again, what is told and what is left.

The trainer of these tests follows a script and loads no TensorFlow; that the real one goes on
exactly is held in tests/trainer and in test_exact_resume.
"""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import ArtifactsUnavailable, Unavailable
from models.lifecycle import State, StopReason
from models.tables.experiments import EventRow
from models.tables.trials import EpochRow, MeasurementRow
from store import experiments
from store.artifacts import LocalArtifacts, Stored
from store.database import Database
from tests.worker.inline import SCRIPTED_TRAINER, InlineWorker
from tests.worker.scripted import (
    EPOCHS,
    TIMING,
    Script,
    checkpoints,
    one_database,
    submit,
    told,
)
from tests.worker.site import OWNER, Site, until


def files(here: Site, experiment_id: str) -> list[str]:
    """What is stored of an experiment, by trial, attempt and name."""
    prefix = f"experiments/{experiment_id}"
    return sorted(key.removeprefix(f"{prefix}/") for key in here.artifacts.keys(prefix))


def attempts(here: Site) -> list[tuple[int, int]]:
    """By which attempt each epoch was trained."""
    with here.database.snapshot() as tx:
        query = select(EpochRow.epoch, EpochRow.attempt).order_by(EpochRow.epoch)
        return [(epoch, attempt) for epoch, attempt in tx.execute(query)]


def measured(here: Site) -> list[tuple[int, int]]:
    with here.database.snapshot() as tx:
        query = select(MeasurementRow.epoch, MeasurementRow.attempt).order_by(MeasurementRow.epoch)
        return [(epoch, attempt) for epoch, attempt in tx.execute(query)]


def held_with(here: Site, *epochs: int) -> None:
    """Wait until just these checkpoints are registered, the newest first."""
    until(lambda: [epoch for epoch, _ in checkpoints(here)] == list(epochs), str(epochs))


def damage(here: Site, key: str) -> None:
    path = here.artifacts.local(key)
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def test_a_trial_whose_trainer_dies_goes_on_from_its_newest_checkpoint(
    here: Site, script: Script
) -> None:
    script({2: ["checkpoint"], 4: ["checkpoint"], 5: ["die"], 7: ["checkpoint"]})
    experiment_id = submit(here)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING).work()

    trial = here.trial(experiment_id)
    assert trial.state is State.SUCCEEDED
    assert [attempt.outcome for attempt in trial.attempts] == ["worker_lost", "completed"]
    assert attempts(here) == [(epoch, 1 if epoch <= 4 else 2) for epoch in range(1, EPOCHS + 1)]
    assert measured(here) == [(0, 1), *attempts(here)]
    (resumed,) = told(here, experiment_id, "trial.resumed", "checkpoint.damaged")
    assert resumed.reason == "Goes on after epoch 4, from a checkpoint of attempt 1."
    assert (resumed.trial, resumed.attempt, resumed.worker) == (1, 2, "test")
    assert checkpoints(here) == []
    assert files(here, experiment_id) == ["1/2/network.keras"]


@one_database
def test_the_checkpoint_that_came_with_a_trainers_last_breath_counts(
    here: Site, script: Script
) -> None:
    script({6: ["left", "die"]})
    experiment_id = submit(here)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING).work()

    assert attempts(here) == [(epoch, 1 if epoch <= 6 else 2) for epoch in range(1, EPOCHS + 1)]
    assert here.trial(experiment_id).best is not None


def test_two_are_kept_while_it_runs_and_a_drained_trial_goes_on_from_the_newest(
    here: Site, script: Script
) -> None:
    script({1: ["checkpoint"], 2: ["checkpoint"], 3: ["hold"], 4: ["checkpoint"], 5: ["hold"]})
    experiment_id = submit(here)
    inline = InlineWorker(here, SCRIPTED_TRAINER, TIMING)

    with inline.working():
        held_with(here, 2, 1)
    with inline.working():
        held_with(here, 4, 2)
        two = ["1/1/checkpoint-2.npz", "1/2/checkpoint-4.npz"]
        until(lambda: files(here, experiment_id) == two, "the superfluous file is removed")
    inline.work()

    assert [attempt for _, attempt in attempts(here)] == [1, 1, 2, 2, 3, 3, 3, 3]
    assert files(here, experiment_id) == ["1/3/network.keras"]


@one_database
def test_a_damaged_checkpoint_falls_back_to_the_one_before(here: Site, script: Script) -> None:
    script({2: ["checkpoint"], 4: ["checkpoint", "hold"]})
    experiment_id = submit(here)
    inline = InlineWorker(here, SCRIPTED_TRAINER, TIMING)
    with inline.working():
        held_with(here, 4, 2)

    damage(here, checkpoints(here)[0][1])
    inline.work()

    assert [attempt for _, attempt in attempts(here)] == [1, 1, 2, 2, 2, 2, 2, 2]
    (damaged,) = told(here, experiment_id, "checkpoint.damaged")
    assert damaged.reason == (
        "The checkpoint after epoch 4, of attempt 1, is damaged or gone; "
        "the training goes on after epoch 2."
    )
    assert len(told(here, experiment_id, "trial.resumed")) == 1
    assert files(here, experiment_id) == ["1/2/network.keras"]


@one_database
def test_without_a_whole_checkpoint_it_starts_from_the_beginning_and_shows_what_it_had(
    here: Site, script: Script
) -> None:
    script({2: ["checkpoint"], 4: ["checkpoint", "hold"], 1: ["hold"]})
    experiment_id = submit(here)
    inline = InlineWorker(here, SCRIPTED_TRAINER, TIMING)
    with inline.working():
        until(lambda: here.epochs(experiment_id), "epoch 1")
    with inline.working():
        held_with(here, 4, 2)

    damage(here, checkpoints(here)[0][1])
    here.artifacts.delete(checkpoints(here)[1][1])
    script({4: ["checkpoint"]})
    seen = here.trial(experiment_id).epochs
    inline.work()

    assert seen == 4
    assert attempts(here) == [(epoch, 3) for epoch in range(1, EPOCHS + 1)]
    damaged = told(here, experiment_id, "checkpoint.damaged")
    assert [event.reason.split(";")[1] for event in damaged] == [
        " the training starts from the beginning."
    ] * 2
    assert told(here, experiment_id, "trial.resumed") == []


@one_database
def test_what_the_trainer_cannot_read_is_left_out_and_never_tried_again(
    here: Site, script: Script
) -> None:
    script({2: ["checkpoint"], 4: ["rubbish", "hold"]})
    experiment_id = submit(here)
    inline = InlineWorker(here, SCRIPTED_TRAINER, TIMING)
    with inline.working():
        held_with(here, 4, 2)

    script({5: ["die"]})
    inline.work()

    assert here.trial(experiment_id).state is State.SUCCEEDED
    (damaged,) = told(here, experiment_id, "checkpoint.damaged")
    assert "after epoch 4" in damaged.reason
    assert [event.attempt for event in told(here, experiment_id, "trial.resumed")] == [2, 3]


@one_database
def test_a_checkpoint_that_cannot_be_read_for_a_moment_costs_an_attempt_and_nothing_else(
    here: Site, script: Script
) -> None:
    script({2: ["checkpoint"], 4: ["unread"]})
    experiment_id = submit(here)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING).work()

    trial = here.trial(experiment_id)
    assert trial.state is State.SUCCEEDED
    assert [attempt.outcome for attempt in trial.attempts] == ["error", "completed"]
    assert [event.attempt for event in told(here, experiment_id, "trial.resumed")] == [2]


@one_database
def test_epochs_that_are_trained_again_count_once_against_the_time_limit(
    here: Site, script: Script
) -> None:
    # An epoch counts 50 s. What was lost after the checkpoint would be over the limit alone.
    script({1: ["checkpoint"], 7: ["die"]})
    experiment_id = submit(here, max_seconds=300)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING).work()

    assert here.trial(experiment_id).state is State.SUCCEEDED


@one_database
def test_the_time_before_a_checkpoint_counts_against_the_time_limit(
    here: Site, script: Script
) -> None:
    script({6: ["checkpoint", "die"], 7: ["hold"]})
    experiment_id = submit(here, max_seconds=300)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING).work()

    assert here.trial(experiment_id).stop_reason is StopReason.TIMED_OUT


@one_database
def test_a_trainer_that_cannot_write_checkpoints_is_told_of_once_and_trains_on(
    here: Site, script: Script
) -> None:
    script({epoch: ["full"] for epoch in range(1, EPOCHS)})
    experiment_id = submit(here)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING).work()

    assert here.trial(experiment_id).state is State.SUCCEEDED
    (warning,) = told(here, experiment_id, "checkpoint.failed")
    assert "No space left" in warning.reason


class Stuck(LocalArtifacts):
    """Takes nothing until it is let go."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.go = threading.Event()

    def put(self, key: str, path: Path) -> Stored:
        self.go.wait(60)
        return super().put(key, path)


@one_database
def test_a_store_that_hangs_stalls_neither_epochs_nor_a_cancel(
    here: Site, script: Script, tmp_path: Path
) -> None:
    script({1: ["left"], 3: ["left"], 6: ["hold"]})
    experiment_id = submit(here)
    stuck = Stuck(tmp_path)
    with InlineWorker(here, SCRIPTED_TRAINER, TIMING, artifacts=stuck).working():
        until(lambda: here.trial(experiment_id).epochs == 6, "6 epochs")

        with here.database.transaction() as tx:
            experiments.cancel(tx, owner=OWNER, experiment_id=experiment_id)
        begun = time.monotonic()
        here.wait_until_over(experiment_id)
        took = time.monotonic() - begun
        stuck.go.set()

    assert took < 3.0
    assert until(lambda: not files(here, experiment_id), "nothing left behind", 20)


class Away(LocalArtifacts):
    """Takes nothing at the first so many times."""

    def __init__(self, root: Path, times: int) -> None:
        super().__init__(root)
        self._times = itertools.count(1)
        self._away = times

    def put(self, key: str, path: Path) -> Stored:
        if next(self._times) <= self._away:
            raise ArtifactsUnavailable
        return super().put(key, path)


@one_database
def test_a_store_that_is_away_when_a_training_ends_is_waited_for(
    here: Site, script: Script, tmp_path: Path
) -> None:
    script({2: ["left"]})
    experiment_id = submit(here)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING, artifacts=Away(tmp_path, 2)).work()

    assert here.trial(experiment_id).state is State.SUCCEEDED
    assert len(here.trial(experiment_id).attempts) == 1
    assert len(told(here, experiment_id, "checkpoint.failed")) == 1


@one_database
def test_a_store_that_stays_away_fails_the_trial_and_says_why(
    here: Site, script: Script, tmp_path: Path
) -> None:
    script({})
    experiment_id = submit(here)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING, artifacts=Away(tmp_path, 100)).work()

    trial = here.trial(experiment_id)
    assert (trial.state, len(trial.attempts)) == (State.FAILED, 1)
    assert trial.error is not None
    assert trial.error.code == "artifacts_unavailable"
    assert "could not be stored" in trial.error.detail


class DamagesOneNetwork(LocalArtifacts):
    """Stores the first network that it is given with another last byte."""

    damaged = False

    def put(self, key: str, path: Path) -> Stored:
        if key.endswith(".keras") and not self.damaged:
            self.damaged = True
            path = path.with_suffix(".damaged")
            path.write_bytes(b"nnn?")
        return super().put(key, path)


@one_database
def test_a_network_that_is_damaged_on_its_way_is_stored_again(
    here: Site, script: Script, tmp_path: Path
) -> None:
    script({})
    experiment_id = submit(here)
    artifacts = DamagesOneNetwork(tmp_path / "store")
    for key in here.artifacts.keys("datasets"):
        artifacts.put(key, here.artifacts.local(key))

    InlineWorker(here, SCRIPTED_TRAINER, TIMING, artifacts=artifacts).work()

    assert artifacts.damaged
    assert here.trial(experiment_id).state is State.SUCCEEDED
    (network,) = artifacts.keys("experiments")
    assert artifacts.local(network).read_bytes() == b"n" * 10


class StuckTable(LocalArtifacts):
    """Never hands a table out, as one on a hung network disk, until it is let go."""

    go = threading.Event()

    def local(self, key: str, sha256: str | None = None) -> Path:
        self.go.wait(60)
        return super().local(key, sha256)


@one_database
def test_a_table_that_never_comes_is_waited_for_no_longer_than_the_trial_may_take(
    here: Site, script: Script, tmp_path: Path
) -> None:
    script({})
    experiment_id = submit(here, max_seconds=1)
    artifacts = StuckTable(tmp_path / "store")

    InlineWorker(here, SCRIPTED_TRAINER, TIMING, artifacts=artifacts).work()
    artifacts.go.set()

    assert here.trial(experiment_id).stop_reason is StopReason.TIMED_OUT


class LosesAnAnswer(Database):
    """Commits what tells of a resumed trial, and says once that it could not."""

    lost = False

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as tx:
            yield tx
            resumed = tx.scalar(select(EventRow.number).where(EventRow.kind == "trial.resumed"))
        if resumed is not None and not self.lost:
            self.lost = True
            raise Unavailable


@one_database
def test_a_resumed_trial_is_told_of_once_although_the_answer_of_the_commit_is_lost(
    here: Site, database_url: str, script: Script
) -> None:
    script({2: ["checkpoint"], 4: ["die"]})
    experiment_id = submit(here)
    database = LosesAnAnswer(database_url)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING, database=database).work()
    database.dispose()

    assert database.lost
    assert here.trial(experiment_id).state is State.SUCCEEDED
    assert len(told(here, experiment_id, "trial.resumed")) == 1
