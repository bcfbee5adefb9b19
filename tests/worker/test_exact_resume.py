"""A training that is killed in every way ends with the rows and the bits of one left in peace."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from epochd.embedded.leash import Leash
from models.lifecycle import State
from models.views.trial import EpochView
from store import events, history, row_losses, trials
from store.checkpoints import of
from store.fence import Lease
from tests.faults.reference import weights_hash
from tests.processes import has_ended, trainers
from tests.worker.site import OWNER, Site, WorkerProcess, site, until
from tests.worker.specs import small

# Of 4 to 10 ms: a good half is left when the last of its workers is killed.
EPOCHS = 500
NETWORK = {
    "layers": [
        {"layer": "Dense", "units": 16, "activation": "relu"},
        {"layer": "BatchNormalization"},
        {"layer": "Dropout", "rate": 0.2},
    ]
}


def submit(found: Site) -> str:
    fit = {"epochs": EPOCHS, "early_stopping": {"patience": EPOCHS}}
    return found.submit(small(found.table(), network=NETWORK, fit=fit))


def weights(found: Site, experiment_id: str) -> str:
    with found.database.snapshot() as tx:
        stored = trials.network(tx, owner=OWNER, experiment_id=experiment_id, number=1)
    return weights_hash(found.artifacts.local(stored.key, stored.sha256).read_bytes())


def losses(found: Site, experiment_id: str) -> bytes:
    """Of every validation row, by the network that is handed out."""
    with found.database.snapshot() as tx:
        results = history.results(tx, experiment_id)
        (trial,) = row_losses.attached(tx, experiment_id, results, [1])
    assert trial.row_losses is not None
    return trial.row_losses.tobytes()


def shown(row: EpochView) -> tuple[int, object, float | None]:
    return row.epoch, row.metrics, row.learning_rate


def newest(found: Site, experiment_id: str) -> tuple[int, str]:
    """Epoch and key of the newest checkpoint; 0 when there is none."""
    with found.database.snapshot() as tx:
        kept = of(tx, Lease(trial_id=0, experiment_id=experiment_id, number=1, attempt=0))
    return (kept[0].epoch, kept[0].key) if kept else (0, "")


def wait_for_checkpoint(found: Site, experiment_id: str, *, after: int) -> str:
    """Wait for one that is so many epochs further than the newest: its key."""
    epoch = newest(found, experiment_id)[0] + after

    def look() -> str | None:
        last, key = newest(found, experiment_id)
        return key if last >= epoch else None

    return until(look, f"a checkpoint of epoch {epoch}")


def wait_for_attempt(found: Site, experiment_id: str, number: int) -> None:
    """Wait until it runs: no other attempt can write checkpoints from then on."""

    def runs() -> bool:
        view = found.trial(experiment_id)
        return view.state is State.RUNNING and len(view.attempts) == number

    until(runs, f"attempt {number}")


def trainer_of(worker: WorkerProcess) -> psutil.Process:
    """Wait for its only one; one that was killed is replaced a moment later."""
    (trainer,) = until(lambda: trainers(worker.pid), "a trainer")
    return trainer


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_killed_drained_and_damaged_it_ends_as_if_nothing_had_happened(
    database_url: str, broker_url: str, leash: Leash, tmp_path: Path
) -> None:
    with site(
        database_url=database_url,
        broker_url=broker_url,
        folder=tmp_path,
        leash=leash,
        lease=3.0,
        checkpoint=0.1,
    ) as found:
        worker = found.start()
        found.wait_for_workers(1)
        in_peace = submit(found)
        found.wait_until_over(in_peace)
        experiment_id = submit(found)

        wait_for_checkpoint(found, experiment_id, after=1)
        trainer_of(worker).kill()
        wait_for_attempt(found, experiment_id, 2)
        wait_for_checkpoint(found, experiment_id, after=20)
        trainer, begun = trainer_of(worker), time.monotonic()
        os.kill(worker.pid, signal.SIGTERM)
        assert worker.end(signal.SIGTERM) == 0  # a second one changes nothing
        assert time.monotonic() - begun < 30
        assert has_ended(trainer)
        damage(found.artifacts.local(newest(found, experiment_id)[1]))
        worker = found.start()
        wait_for_attempt(found, experiment_id, 3)
        wait_for_checkpoint(found, experiment_id, after=20)
        trainer = trainer_of(worker)
        worker.end(signal.SIGKILL)
        until(lambda: has_ended(trainer), "the end of a trainer that is alone", 20)
        found.start()
        view = found.wait_until_over(experiment_id)

        assert view.state is State.SUCCEEDED
        rows = found.epochs(experiment_id)
        assert [row.epoch for row in rows] == list(range(1, EPOCHS + 1))
        assert list(map(shown, rows)) == list(map(shown, found.epochs(in_peace)))
        assert weights(found, experiment_id) == weights(found, in_peace)
        assert losses(found, experiment_id) == losses(found, in_peace)
        with found.database.snapshot() as tx:
            history = events.after(tx, owner=OWNER, experiment_id=experiment_id, after=0, limit=99)
        kinds = [event.kind for event in history.data]
        assert kinds.count("trial.resumed") == 3
        assert kinds.count("checkpoint.damaged") == 1
        outcomes = [attempt.outcome for attempt in found.trial(experiment_id).attempts]
        assert outcomes == ["worker_lost", "released", "expired", "completed"]
