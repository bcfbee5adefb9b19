"""The broker is away, wiped, slow, or forgot its clients: what was posted runs all the same.

EPOCHD_OUTAGE_SECONDS sets how long each outage lasts; the default is the short form.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import redis

from epochd.embedded.leash import Leash
from models.lifecycle import State
from store.doorbell import Doorbell
from tests.api.serving import Served, serving
from tests.servers.databases import Databases
from tests.servers.proxy import Proxy
from tests.servers.valkey import ValkeyServer
from tests.worker.site import Site, site, until
from tests.worker.specs import small
from worker.sweep import Sweeper
from worker.timing import Timing

OUTAGE_SECONDS = float(os.environ.get("EPOCHD_OUTAGE_SECONDS", "1"))
OUTAGES = 8
# What the service promises of the time after an outage, and of every POST meanwhile: seconds.
RUNS_WITHIN = 15.0
ANSWERS_WITHIN = 1.0


@dataclass(frozen=True)
class Service:
    """An API, a train worker and a control worker; all reach their broker through the proxy."""

    api: Served
    site: Site
    broker: ValkeyServer
    proxy: Proxy
    folder: Path
    dataset: str

    def post(self) -> tuple[str, float]:
        """An experiment's id, and the seconds until the API answered."""
        begun = time.monotonic()
        answer = self.api.client.post("/experiments", json=small(self.dataset))
        seconds = time.monotonic() - begun
        assert answer.status_code == 202, answer.text
        return answer.json()["id"], seconds

    def upload(self) -> tuple[str, float]:
        """A dataset's id, which a control worker has to read, and the seconds until the answer."""
        rows = "\n".join(f"{row},{time.time_ns()},{row % 2}" for row in range(50))
        begun = time.monotonic()
        answer = self.api.client.post(
            "/datasets", files={"file": ("t.csv", f"a,b,label\n{rows}")}, data={"target": "label"}
        )
        seconds = time.monotonic() - begun
        assert answer.status_code == 202, answer.text
        return answer.json()["id"], seconds

    def have_begun(self, experiments: list[str]) -> bool:
        return all(self.site.trial(one).attempts for one in experiments)

    def wait_until_idle(self) -> None:
        """Wait until both workers hear the bell: what is rung for is done long before a sweep."""
        experiment_id, _ = self.post()
        dataset_id, _ = self.upload()
        self.site.wait_until_over(experiment_id)
        until(lambda: self.site.dataset(dataset_id).state == "ready", "the dataset is read")


@pytest.fixture(scope="module")
def service(
    databases: Databases, leash: Leash, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("broker-away")
    (folder / "valkey").mkdir()
    (folder / "artifacts").mkdir()
    broker = ValkeyServer(folder / "valkey", leash)
    broker.start()
    with (
        databases.fresh("sqlite") as url,
        Proxy(broker.url()) as proxy,
        site(
            database_url=url, broker_url=proxy.url, folder=folder / "artifacts", leash=leash
        ) as made,
    ):
        made.start("train")
        made.start("control")
        bell = Doorbell(proxy.url)
        sweeper = Sweeper(database=made.database, doorbell=bell, timing=Timing())
        with serving(
            made.database,
            folder / "artifacts",
            broker_url=proxy.url,
            artifacts=made.artifacts,
            background=[sweeper],
        ) as api:
            made.wait_for_workers(2)
            yield Service(api, made, broker, proxy, folder, made.table())
        bell.close()
    broker.stop()


def kill(service: Service) -> None:
    service.broker.stop(signal.SIGKILL)


def start(service: Service) -> None:
    service.broker.start()


def start_empty(service: Service) -> None:
    for file in (service.folder / "valkey").rglob("*"):
        if file.is_file():
            file.unlink()
    service.broker.start()


def flush(service: Service) -> None:
    with redis.Redis.from_url(service.broker.url()) as client:
        client.flushall()


def cut(service: Service) -> None:
    service.proxy.cut()


def freeze(service: Service) -> None:
    service.proxy.freeze()


def half_open(service: Service) -> None:
    service.proxy.half_open()


def forget(service: Service) -> None:
    """Connections that were idle on the way are gone; others can be made at once."""
    service.proxy.half_open()
    service.proxy.restore()


def slow_down(service: Service) -> None:
    service.proxy.slow(seconds=0.3)


def restore(service: Service) -> None:
    service.proxy.restore()


Act = Callable[[Service], None]


@pytest.mark.parametrize(
    ("harm", "mend"),
    [
        pytest.param(kill, start, id="killed"),
        pytest.param(kill, start_empty, id="killed and empty"),
        pytest.param(flush, flush, id="wiped"),
        pytest.param(cut, restore, id="cut"),
        pytest.param(freeze, restore, id="frozen"),
        pytest.param(half_open, restore, id="half-open"),
        pytest.param(forget, restore, id="forgotten"),
    ],
)
def test_what_is_posted_without_a_broker_is_accepted_and_runs_when_that_is_back(
    service: Service, harm: Act, mend: Act
) -> None:
    service.wait_until_idle()
    harm(service)
    ended = time.monotonic() + OUTAGE_SECONDS
    posts, uploads = [service.post()], [service.upload()]
    while time.monotonic() < ended:
        time.sleep(OUTAGE_SECONDS / 4)
    posts.append(service.post())
    uploads.append(service.upload())
    mend(service)

    back = time.monotonic()
    ids = [experiment_id for experiment_id, _ in posts]
    until(lambda: service.have_begun(ids), "the trials begin", RUNS_WITHIN)
    began = time.monotonic() - back
    for dataset_id, _ in uploads:
        until(
            lambda seen=dataset_id: service.site.dataset(seen).state == "ready",  # type: ignore[misc]
            "the datasets are read",
            RUNS_WITHIN,
        )
    read = time.monotonic() - back
    slowest = max(seconds for _, seconds in (*posts, *uploads))
    print(f"answers within {slowest:.2f} s, trials begun {began:.1f} s after, read {read:.1f} s")  # noqa: T201
    assert slowest < ANSWERS_WITHIN
    assert read < RUNS_WITHIN
    for experiment_id in ids:
        assert service.site.wait_until_over(experiment_id).state is State.SUCCEEDED
        assert len(service.site.trial(experiment_id).attempts) == 1


def test_a_slow_way_to_the_broker_makes_things_slower_and_nothing_worse(service: Service) -> None:
    service.wait_until_idle()
    slow_down(service)
    try:
        posted = time.monotonic()
        experiment_id, answered = service.post()
        until(lambda: service.have_begun([experiment_id]), "the trial begins", RUNS_WITHIN)
        print(f"answered in {answered:.2f} s, begun after {time.monotonic() - posted:.1f} s")  # noqa: T201
        assert answered < ANSWERS_WITHIN
    finally:
        restore(service)
    assert service.site.wait_until_over(experiment_id).state is State.SUCCEEDED


def test_outages_leave_neither_connections_nor_threads_behind(service: Service) -> None:
    processes = [psutil.Process(worker.pid) for worker in service.site.running]

    def connections(process: psutil.Process) -> int:
        return sum(
            one.status == psutil.CONN_ESTABLISHED
            and getattr(one.raddr, "port", None) == service.proxy.port
            for one in process.net_connections("tcp4")
        )

    def outage() -> None:
        service.proxy.cut()
        service.upload()
        service.proxy.restore()
        for process in processes:
            until(lambda one=process: connections(one), "a worker is back", RUNS_WITHIN)  # type: ignore[misc]

    def held() -> list[tuple[int, int]]:
        service.wait_until_idle()
        return [(process.num_threads(), connections(process)) for process in processes]

    outage()
    before, threads = held(), threading.active_count()
    for _ in range(OUTAGES):
        outage()
    after = held()
    print(f"threads and connections of the workers: {before} before, {after} after")  # noqa: T201
    for (threads_before, open_before), (threads_after, open_after) in zip(
        before, after, strict=True
    ):
        assert threads_after <= threads_before + 3  # Celery starts those of its pool as needed
        assert open_after <= open_before + 3
    assert threading.active_count() <= threads + 3
