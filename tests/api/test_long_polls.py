"""Waiting requests hear of a change at once, and cost the others nothing."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app, release_waiting
from api.limits import ApiLimits
from api.parts import Parts
from store.artifacts import LocalArtifacts
from store.database import Database
from store.doorbell import Doorbell
from tests.api.bodies import inline
from tests.api.serving import NO_BROKER, Served, listening
from tests.api.training import claim, finish, write_epochs

# What the service promises from a written epoch to the poll that brings it.
VISIBLE_SECONDS = 0.5
# Far more than any test waits: a poll that ends by itself is late and fails its test.
LONG = 25


@pytest.fixture
def experiment(served: Served) -> str:
    return str(served.client.post("/experiments", json=inline()).headers["Location"])


def waiting(
    app: FastAPI, pool: ThreadPoolExecutor, ask: Callable[[], httpx.Response]
) -> Future[httpx.Response]:
    """Ask in another thread, and come back when the request is being held."""
    answer = pool.submit(ask)
    wait_until_held(app, 1)
    assert not answer.done()
    return answer


def wait_until_held(app: FastAPI, requests: int) -> None:
    parts: Parts = app.state.parts
    deadline = time.monotonic() + LONG
    while parts.experiments.waiting != requests:
        assert time.monotonic() < deadline, f"{parts.experiments.waiting} requests are held"
        time.sleep(0.02)


def seconds_until(answer: Future[httpx.Response]) -> float:
    started = time.monotonic()
    answer.result(timeout=LONG)
    return time.monotonic() - started


def test_an_epoch_reaches_a_waiting_poll_within_half_a_second(
    served: Served, experiment: str
) -> None:
    lease = claim(served.database).lease
    path = f"{experiment}/trials/1/epochs"
    with ThreadPoolExecutor(1) as pool:
        for epoch in range(1, 4):
            query = {"after": epoch - 1, "wait": LONG}
            answer = waiting(served.app, pool, partial(served.client.get, path, params=query))
            write_epochs(served.database, lease, [0.5], first=epoch)
            assert seconds_until(answer) < VISIBLE_SECONDS
            assert [row["epoch"] for row in answer.result().json()["data"]] == [epoch]


def test_the_end_of_a_trial_ends_the_wait_for_its_epochs(served: Served, experiment: str) -> None:
    lease = claim(served.database).lease
    path = f"{experiment}/trials/1/epochs?wait={LONG}"
    with ThreadPoolExecutor(1) as pool:
        answer = waiting(served.app, pool, lambda: served.client.get(path))
        finish(served.database, lease, served.artifacts, b"net")
        assert seconds_until(answer) < VISIBLE_SECONDS
    assert answer.result().json()["is_terminal"]


@pytest.mark.parametrize("tagged", [True, False], ids=["since a version", "since now"])
def test_a_change_of_an_experiment_reaches_whoever_waits_for_it(
    served: Served, experiment: str, *, tagged: bool
) -> None:
    now = served.client.get(experiment)
    headers = {"If-None-Match": now.headers["ETag"]} if tagged else {}
    with ThreadPoolExecutor(1) as pool:
        answer = waiting(
            served.app,
            pool,
            lambda: served.client.get(f"{experiment}?wait={LONG}", headers=headers),
        )
        claim(served.database)
        assert seconds_until(answer) < VISIBLE_SECONDS
    assert answer.result().json()["state"] == "running"
    assert answer.result().headers["ETag"] != now.headers["ETag"]


def test_without_news_the_wait_ends_in_time(served: Served, experiment: str) -> None:
    tag = served.client.get(experiment).headers["ETag"]
    started = time.monotonic()
    same = served.client.get(f"{experiment}?wait=0.5", headers={"If-None-Match": tag})
    assert same.status_code == 304
    assert served.client.get(f"{experiment}?wait=0.5").status_code == 200
    empty = served.client.get(f"{experiment}/trials/1/epochs?wait=0.5").json()
    assert empty["data"] == []
    assert 1.5 <= time.monotonic() - started < 1.5 + 3 * VISIBLE_SECONDS


def test_what_is_over_or_newer_already_is_answered_at_once(served: Served, experiment: str) -> None:
    old = served.client.get(experiment).headers["ETag"]
    served.client.post(f"{experiment}/cancel")
    started = time.monotonic()
    served.client.get(f"{experiment}?wait={LONG}", headers={"If-None-Match": old})
    served.client.get(f"{experiment}?wait={LONG}")
    served.client.get(f"{experiment}/trials/1/epochs?wait={LONG}")
    assert time.monotonic() - started < VISIBLE_SECONDS * 3


def test_an_upload_is_waited_for_until_it_is_read(served: Served) -> None:
    dataset = served.client.post("/datasets", files={"file": ("a.csv", b"a,b\n1,2\n3,4\n")})
    started = time.monotonic()
    view = served.client.get(f"{dataset.headers['Location']}?wait=0.4").json()
    assert view["state"] == "processing"
    assert time.monotonic() - started >= 0.4


@pytest.mark.parametrize("wait", ["-1", "31", "nan", "inf", "x"])
def test_a_wait_that_makes_no_sense_is_refused(shared: Served, wait: str) -> None:
    answer = shared.client.get(f"/experiments/exp_0?wait={wait}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "?wait"


def test_a_hundred_waiting_requests_do_not_hold_up_an_ordinary_one(
    served: Served, experiment: str
) -> None:
    lease = claim(served.database).lease
    limits = httpx.Limits(max_connections=200)
    path = f"{experiment}/trials/1/epochs?wait={LONG}"
    with (
        httpx.Client(base_url=served.client.base_url, timeout=40, limits=limits) as client,
        ThreadPoolExecutor(100) as pool,
    ):
        client.get("/healthz")
        answers = [pool.submit(client.get, path) for _ in range(100)]
        wait_until_held(served.app, 100)
        assert not any(answer.done() for answer in answers)

        took = []
        for _ in range(20):
            started = time.monotonic()
            assert served.client.get(experiment).status_code == 200
            took.append(time.monotonic() - started)
        assert sorted(took)[10] < 0.2

        write_epochs(served.database, lease, [0.5])
        assert all(answer.result(timeout=LONG).json()["data"] for answer in answers)


def test_a_server_that_is_told_to_stop_answers_all_who_wait(
    database: Database, tmp_path: Path
) -> None:
    app = create_app(
        database=database,
        doorbell=Doorbell(NO_BROKER),
        artifacts=LocalArtifacts(tmp_path),
        limits=ApiLimits(),
    )
    with ThreadPoolExecutor(1) as pool:
        with listening(app) as url, httpx.Client(base_url=url, timeout=40) as client:
            path = client.post("/experiments", json=inline()).headers["Location"]
            answer = waiting(app, pool, lambda: client.get(f"{path}?wait={LONG}"))
            release_waiting(app)
            assert seconds_until(answer) < VISIBLE_SECONDS
        assert answer.result().status_code == 200
