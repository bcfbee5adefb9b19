"""A file store on a disk that is really full: what is there stays whole, and a trial says so."""

import threading
from pathlib import Path

import pytest

from models.lifecycle import State
from store.artifacts import LocalArtifacts
from tests.servers.disk import DISK_BYTES
from tests.worker.inline import SCRIPTED_TRAINER, InlineWorker
from tests.worker.scripted import TIMING, Script, checkpoints, one_database, submit, told
from tests.worker.site import Site, until


@pytest.fixture
def full(here: Site, disk: Path) -> LocalArtifacts:
    """A store on that disk with the table that is trained on, and little room beside it."""
    here.table()
    full = LocalArtifacts(disk)
    for key in here.artifacts.keys("datasets"):
        full.put(key, here.artifacts.local(key))
    return full


@one_database
def test_a_checkpoint_that_does_not_fit_leaves_the_one_before_whole(
    here: Site, full: LocalArtifacts, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHD_TEST_CHECKPOINT", "600000")
    script({2: ["checkpoint"], 4: ["left"], 6: ["hold"]})
    experiment_id = submit(here)
    inline = InlineWorker(here, SCRIPTED_TRAINER, TIMING, artifacts=full)

    with inline.working():
        until(lambda: told(here, experiment_id, "checkpoint.failed"), "a warning", 20)
        until(lambda: here.trial(experiment_id).epochs == 6, "the training goes on", 20)
    ((epoch, key),) = checkpoints(here)
    whole = full.local(key).read_bytes()
    inline.work()

    assert (epoch, whole) == (2, b"2".ljust(600_000))
    (resumed,) = told(here, experiment_id, "trial.resumed")
    assert resumed.reason == "Goes on after epoch 2, from a checkpoint of attempt 1."
    assert here.trial(experiment_id).state is State.SUCCEEDED


@one_database
def test_a_network_that_does_not_fit_fails_its_trial_as_disk_full(
    here: Site, full: LocalArtifacts, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHD_TEST_NETWORK", str(2 * DISK_BYTES))
    script({})
    experiment_id = submit(here)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING, artifacts=full).work()

    trial = here.trial(experiment_id)
    assert (trial.state, len(trial.attempts)) == (State.FAILED, 1)
    assert trial.error is not None
    assert trial.error.code == "disk_full"
    assert list(full.keys("experiments")) == []


@one_database
def test_a_network_waits_for_room(
    here: Site, full: LocalArtifacts, disk: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHD_TEST_NETWORK", str(DISK_BYTES // 2))
    filler = disk / "filler"
    filler.write_bytes(b"f" * (DISK_BYTES * 3 // 4))
    room = threading.Timer(0.5, filler.unlink)
    script({7: ["hold"]})
    experiment_id = submit(here)
    inline = InlineWorker(here, SCRIPTED_TRAINER, TIMING, artifacts=full)
    with inline.working():
        until(lambda: here.trial(experiment_id).epochs == 7, "7 epochs", 20)

    room.start()
    inline.work()

    assert here.trial(experiment_id).state is State.SUCCEEDED
