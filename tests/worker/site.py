"""A whole service without its API: a database, a broker, artifacts, and worker processes."""

import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from epochd.embedded.leash import Leash
from models.lifecycle import State
from models.planning import planned
from models.specs.experiment import Device, ExperimentSpec
from models.views.dataset import DatasetView
from models.views.experiment import EventView, ExperimentView
from models.views.trial import EpochView, TrialView
from search.strategies.registry import strategy_for
from search.strategies.strategy import Conclude
from store import datasets, epochs, events, experiments, trials, workers
from store.artifacts import LocalArtifacts
from store.database import Database
from store.doorbell import Doorbell
from store.formats.folder import write_table
from store.formats.table import Table
from tests.worker.run_worker import Start

OWNER = "local"
# Importing TensorFlow on a machine whose two cores are busy with other tests.
PATIENCE_SECONDS = 90.0
# Each look takes milliseconds of the core on which what is looked for has to come about.
POLL_SECONDS = 0.05

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: str, seconds: float = PATIENCE_SECONDS) -> Found:
    """Look until there is something true to be seen; fail after a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"{what}: not within {seconds:g} s")


class WorkerProcess:
    """A worker, in a process of its own."""

    def __init__(self, start: Start, log: Path, leash: Leash) -> None:
        self._leash = leash
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.worker.run_worker", start.model_dump_json()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        leash.hold(self.process, signal.SIGTERM)

    @property
    def pid(self) -> int:
        return self.process.pid

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it and wait for its end; its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(40)
        self._leash.release(self.process)
        return status


class Site:
    """One service.

    Args:
        lease: of its workers, in seconds.
        checkpoint: the least between two checkpoints of a training, in seconds.
    """

    def __init__(
        self,
        *,
        database_url: str,
        broker_url: str,
        folder: Path,
        leash: Leash,
        lease: float,
        checkpoint: float,
    ) -> None:
        self._start = Start(
            kind="train",
            database=database_url,
            broker=broker_url,
            artifacts=str(folder),
            lease=lease,
            checkpoint=checkpoint,
        )
        self._leash = leash
        self._folder = folder
        self._numbers = itertools.count(1)
        self.running: list[WorkerProcess] = []
        self.database = Database(database_url)
        self.broker_url = broker_url
        self.doorbell = Doorbell(broker_url)
        self.artifacts = LocalArtifacts(folder)

    def start(self, kind: str = "train") -> WorkerProcess:
        """Start a worker; it takes seconds until it is warm."""
        log = self._folder / f"{kind}-{next(self._numbers)}.log"
        worker = WorkerProcess(self._start.model_copy(update={"kind": kind}), log, self._leash)
        self.running.append(worker)
        return worker

    def wait_for_workers(self, count: int) -> None:
        def alive() -> bool:
            with self.database.snapshot() as tx:
                return sum(worker.alive for worker in workers.page(tx)) >= count

        until(alive, f"{count} workers")

    def close(self) -> None:
        for worker in self.running:
            if worker.process.poll() is None:
                worker.process.terminate()
        for worker in self.running:
            if worker.process.poll() is None:
                worker.process.wait(40)
            self._leash.release(worker.process)
        self.doorbell.close()
        self.database.dispose()

    def table(self, rows: int = 400, *, scale: float = 1.0) -> str:
        """A ready dataset of two classes that a small network learns: its id."""
        chance = np.random.default_rng(5)
        y = chance.integers(0, 2, rows)
        x = chance.normal(size=(rows, 4)) * scale + (y * 2 - 1)[:, None] * scale
        frame = pl.DataFrame(x, schema=["a", "b", "c", "d"]).with_columns(
            pl.Series("label", np.where(y == 1, "yes", "no").tolist())
        )
        return self.frame(f"table-{rows}-{scale:g}", frame, "label")

    def frame(self, name: str, frame: pl.DataFrame, target: str) -> str:
        """A ready dataset of these rows: its id."""
        key = f"datasets/{name}/1"
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        profile = write_table(Table(frame), folder, target)
        self.artifacts.put_folder(key, folder)
        with self.database.transaction() as tx:
            view, _ = datasets.inline(
                tx, owner=OWNER, name=name, sha256=name, size=1, profile=profile, folder=key
            )
        return view.id

    def submit(self, spec: dict[str, Any], *, ring: bool = True) -> str:
        """What a POST does."""
        checked = ExperimentSpec.model_validate(spec)
        dataset_id = checked.data.dataset
        assert dataset_id is not None
        with self.database.transaction() as tx:
            profile = datasets.get(tx, owner=OWNER, dataset_id=dataset_id).profile
            assert profile is not None
            proposals = strategy_for(checked).propose(checked, ())
            assert not isinstance(proposals, Conclude)
            view = experiments.submit(
                tx,
                owner=OWNER,
                spec=checked,
                dataset_id=dataset_id,
                trials=planned(checked, profile, proposals),
            )
        if ring:
            self.doorbell.ring_train(Device.ANY, len(proposals))
        return view.id

    def experiment(self, experiment_id: str) -> ExperimentView:
        with self.database.snapshot() as tx:
            return experiments.get(tx, owner=OWNER, experiment_id=experiment_id)

    def trial(self, experiment_id: str, number: int = 1) -> TrialView:
        with self.database.snapshot() as tx:
            return trials.get(tx, owner=OWNER, experiment_id=experiment_id, number=number)

    def trials(self, experiment_id: str) -> Sequence[TrialView]:
        with self.database.snapshot() as tx:
            return trials.page(
                tx, owner=OWNER, experiment_id=experiment_id, cursor=None, limit=100
            ).data

    def epochs(
        self, experiment_id: str, number: int = 1, *, limit: int = 100_000
    ) -> Sequence[EpochView]:
        with self.database.snapshot() as tx:
            return epochs.after(
                tx,
                owner=OWNER,
                experiment_id=experiment_id,
                number=number,
                after=0,
                limit=limit,
            ).data

    def events(self, experiment_id: str) -> Sequence[EventView]:
        with self.database.snapshot() as tx:
            return events.after(
                tx, owner=OWNER, experiment_id=experiment_id, after=0, limit=100_000
            ).data

    def dataset(self, dataset_id: str) -> DatasetView:
        with self.database.snapshot() as tx:
            return datasets.get(tx, owner=OWNER, dataset_id=dataset_id)

    def wait_until_over(self, experiment_id: str) -> ExperimentView:
        def over() -> ExperimentView | None:
            view = self.experiment(experiment_id)
            return view if view.is_terminal else None

        return until(over, f"the end of {experiment_id}")

    def wait_for_epoch(self, experiment_id: str, number: int = 1) -> TrialView:
        """Wait until a trial runs and has shown an epoch."""

        def begun() -> TrialView | None:
            view = self.trial(experiment_id, number)
            return view if view.epochs and view.state is State.RUNNING else None

        return until(begun, f"an epoch of {experiment_id}")


@contextmanager
def site(
    *,
    database_url: str,
    broker_url: str,
    folder: Path,
    leash: Leash,
    lease: float = 30.0,
    checkpoint: float = 10.0,
) -> Iterator[Site]:
    """A site whose workers end with it; their logs are shown when the test fails."""
    made = Site(
        database_url=database_url,
        broker_url=broker_url,
        folder=folder,
        leash=leash,
        lease=lease,
        checkpoint=checkpoint,
    )
    try:
        yield made
    finally:
        made.close()
        for worker in made.running:
            print(f"--- {worker.log.name}\n{worker.log.read_text()}")  # noqa: T201
