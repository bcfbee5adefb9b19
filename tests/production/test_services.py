"""Each service of docker-compose.yml, started by its very command, and all of them together."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from epochd.embedded.leash import Leash
from tests.production.stack import ENDING_SECONDS, Stack, until
from tests.servers.ports import kept_port
from tests.servers.postgres import PostgresServer

TRAIN_WORKERS = 2
EPOCHS = 150

# Both workers are there when it is POSTed; so long trials that one cannot do them all before the
# trainer of the other is warm too.
EXPERIMENT: dict[str, Any] = {
    "name": "shared work",
    "data": {"dataset": "builtin:digits"},
    "network": {"layers": [{"layer": "Dense", "units": 16, "activation": "relu"}]},
    "compile": {"optimizer": {"optimizer": "SGD"}},
    "fit": {"epochs": EPOCHS, "early_stopping": None},
    "search": {"strategy": "learning_rates", "values": [0.001, 0.003, 0.01, 0.03]},
}


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer, leash: Leash
) -> Iterator[Stack]:
    """Everything up, in the order that the file asks for."""
    with ExitStack() as services:
        ports = services.enter_context(kept_port()), services.enter_context(kept_port())
        stack = Stack(tmp_path_factory.mktemp("production"), postgres_server, leash, ports)
        services.enter_context(stack.broker())
        migrated = stack.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        services.enter_context(stack.running("worker-control"))
        for _ in range(TRAIN_WORKERS):
            services.enter_context(stack.running("worker-train"))
        services.enter_context(stack.running("api"))
        yield stack


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    until(lambda: stack.is_healthy("api"), "the API does not become healthy")
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        yield client


def test_the_migration_can_run_again(stack: Stack) -> None:
    assert stack.run("migrate").returncode == 0
    assert stack.run("migrate", "--check").returncode == 0


@pytest.mark.parametrize("service", ["api", "worker-control", "worker-train"])
def test_each_service_becomes_healthy_by_its_own_check(stack: Stack, service: str) -> None:
    until(lambda: stack.is_healthy(service), f"{service} does not become healthy")


def test_the_broker_keeps_what_is_queued(stack: Stack) -> None:
    assert stack.settings_of_the_broker() == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
    }


def _train_workers(client: httpx.Client) -> int:
    found = client.get("/workers").json()["data"]
    return sum(worker["kind"] == "train" and worker["alive"] for worker in found)


def test_two_train_workers_share_an_experiment(client: httpx.Client) -> None:
    until(lambda: _train_workers(client) == TRAIN_WORKERS, "a train worker is missing")
    experiment = client.post("/experiments", json=EXPERIMENT).raise_for_status().json()
    here = experiment["links"]["self"]
    until(
        lambda: bool(client.get(here, params={"wait": 10}).json()["is_terminal"]),
        "the experiment does not end",
        seconds=180,
    )
    ended = client.get(here).json()
    assert ended["state"] == "succeeded"
    trials = client.get(f"{here}/trials").json()["data"]
    assert [trial["epochs"] for trial in trials] == [EPOCHS] * 4
    workers = {attempt["worker"] for trial in trials for attempt in trial["attempts"]}
    assert len(workers) == TRAIN_WORKERS
    network = client.get(f"{here}/network")
    assert network.status_code == 200
    assert network.content.startswith(b"PK")  # a .keras file is a zip


def test_a_worker_ends_in_order_and_is_not_healthy_any_more(stack: Stack) -> None:
    until(lambda: stack.is_healthy("worker-control"), "it does not become healthy")
    worker = stack.processes["worker-control"]
    worker.terminate()
    assert worker.wait(ENDING_SECONDS) == 0
    assert not stack.is_healthy("worker-control")
