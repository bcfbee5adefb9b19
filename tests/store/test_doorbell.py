"""The bell wakes the right queue, and never holds anybody up."""

import json
import socket
import time
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from models.errors import Unavailable
from models.specs.experiment import Device
from store import broker
from store.doorbell import Doorbell, Task

# A request may be held up this long by a broker that is away: seconds.
BOUND = 1.5


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield listener.getsockname()[1]


@pytest.fixture
def dead_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _messages(broker_url: str, queue: str) -> list[tuple[str, list[str]]]:
    """The task names and arguments that lie in a queue, oldest first."""
    with Redis.from_url(broker_url) as client:
        raw = [json.loads(message) for message in client.lrange(queue, 0, -1)]
    found = []
    for message in reversed(raw):
        arguments, _, _ = json.loads(b64decode(message["body"]))
        found.append((message["headers"]["task"], arguments))
    return found


def test_each_device_has_its_queue(broker_url: str) -> None:
    bell = Doorbell(broker_url)
    assert bell.ring_train(Device.ANY, 2)
    assert bell.ring_train(Device.CPU)
    assert bell.ring_train(Device.GPU)
    assert _messages(broker_url, "train") == [(broker.TRAIN, [])] * 2
    assert _messages(broker_url, "train.cpu") == [(broker.TRAIN, [])]
    assert _messages(broker_url, "train.gpu") == [(broker.TRAIN, [])]
    bell.close()


def test_a_control_worker_is_told_what_to_look_at(broker_url: str) -> None:
    bell = Doorbell(broker_url)
    assert bell.ring_control(Task.INGEST, "ds_1")
    assert bell.ring_control(Task.ADVANCE, "exp_1")
    assert _messages(broker_url, "control") == [
        ("epochd.ingest", ["ds_1"]),
        ("epochd.advance", ["exp_1"]),
    ]
    bell.close()


def test_a_living_broker_answers_a_ping(broker_url: str) -> None:
    bell = Doorbell(broker_url)
    bell.ping()
    bell.close()


@pytest.mark.parametrize("kind", ["dead_port", "silent_port"])
def test_a_broker_that_is_away_holds_nobody_up(request: pytest.FixtureRequest, kind: str) -> None:
    bell = Doorbell(f"redis://127.0.0.1:{request.getfixturevalue(kind)}/0")
    started = time.monotonic()
    assert not bell.ring_train(Device.ANY, 50)
    assert time.monotonic() - started < BOUND
    started = time.monotonic()
    assert not any(bell.ring_control(Task.INGEST, "ds_1") for _ in range(100))
    assert time.monotonic() - started < BOUND
    with pytest.raises(Unavailable):
        bell.ping()
    bell.close()


def test_many_who_ring_at_once_are_not_held_up_either(silent_port: int) -> None:
    bell = Doorbell(f"redis://127.0.0.1:{silent_port}/0")
    started = time.monotonic()
    with ThreadPoolExecutor(20) as callers:
        rung = list(callers.map(lambda _: bell.ring_train(Device.ANY), range(20)))
    assert not any(rung)
    assert time.monotonic() - started < 2 * BOUND
    bell.close()


def test_the_bell_works_again_when_the_broker_is_back(
    broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.doorbell.QUIET_SECONDS", 0.0)
    away = Doorbell(broker_url)
    with Redis.from_url(broker_url) as client:
        assert away.ring_train(Device.ANY)
        client.client_kill_filter(_type="normal", skipme=True)
        deadline = time.monotonic() + 10
        while not away.ring_train(Device.ANY) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert len(_messages(broker_url, "train")) >= 2
    away.close()


def test_a_queue_that_nobody_knows_is_not_made(broker_url: str) -> None:
    app = broker.celery_app(broker_url)
    with pytest.raises(Exception, match="trian"):
        app.send_task(broker.TRAIN, queue="trian", retry=False)
    app.close()
