"""The whole service on one machine: broker, API, a control worker and a train worker.

Everything it keeps lies in one data folder. It ends as a whole, in an order that loses nothing:
first no more requests, then the workers hand back what they hold, then the broker.
"""

import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import redis

from epochd.embedded.child import Child, Program
from epochd.embedded.data_folder import DataFolder
from epochd.embedded.group import Group
from epochd.embedded.leash import Leash
from epochd.embedded.listening import address
from epochd.embedded.output import Output
from epochd.embedded.ports import any_free
from epochd.embedded.valkey import Valkey
from epochd.errors import NotReady
from epochd.settings import Settings
from store.schema import migrate

BROKER_SECONDS = 15.0
READY_SECONDS = 90.0
# A process that has died this often before the service was ready will not come up.
HOPELESS_DEATHS = 3
# A worker hands its trials back within 30 s of being asked to end, then says goodbye. Service
# managers and container runtimes grant about as much before they kill.
WORKER_ENDING_SECONDS = 35.0


@contextmanager
def running(settings: Settings, *, listener: socket.socket, output: Output) -> Iterator[str]:
    """Run the service: gives the URL of the API once it is ready, and ends everything on leaving.

    Args:
        settings: what was set; what is not set is embedded.
        listener: where the API answers; closed on leaving.
        output: where the log goes.

    Raises:
        FolderTaken: another service works in the data folder.
        NotReady: a part did not come up.
        Unavailable: the database cannot be reached.
    """
    url = address(listener)
    with ExitStack() as parts:
        parts.enter_context(listener)
        folder = parts.enter_context(DataFolder(settings.data_dir))
        folder.sign(url)
        leash = parts.enter_context(Leash(keep=(folder.lock,)))
        group = Group()
        parts.callback(_end, group)

        def child(program: Program) -> Child:
            return Child(program, leash=leash, output=output)

        broker = settings.broker_url
        if broker is None:
            valkey = _valkey(folder)
            server = child(_broker(valkey))
            group.start(server)
            broker = valkey.url()
            _wait_for_broker(broker, server)
        migrate(settings.database)
        environment = {**settings.environment(), "EPOCHD_BROKER_URL": broker}
        workers = [child(_worker(kind, environment)) for kind in ("control", "train")]
        group.start(*workers)
        api = child(_api(listener, environment))
        group.start(api)
        parts.callback(listener.close)
        _wait_until_ready(url, [*workers, api])
        yield url


def _valkey(folder: DataFolder) -> Valkey:
    return Valkey(
        folder=folder.subfolder("broker"), port=any_free(), password=secrets.token_urlsafe(24)
    )


def _broker(valkey: Valkey) -> Program:
    return Program(name="broker", command=valkey.command, configuration=valkey.configuration)


def _worker(kind: str, environment: dict[str, str]) -> Program:
    return Program(
        name=f"worker {kind}",
        command=[sys.executable, "-m", "epochd", "worker", kind],
        environment=environment,
        ending_seconds=WORKER_ENDING_SECONDS,
    )


def _api(listener: socket.socket, environment: dict[str, str]) -> Program:
    descriptor = listener.fileno()
    return Program(
        name="api",
        command=[sys.executable, "-m", "epochd", "api", "--descriptor", str(descriptor)],
        environment=environment,
        inherit=(descriptor,),
    )


def _wait_for_broker(url: str, server: Child) -> None:
    deadline = time.monotonic() + BROKER_SECONDS
    with redis.Redis.from_url(url) as client:
        while time.monotonic() < deadline and server.deaths < HOPELESS_DEATHS:
            try:
                client.ping()
            except redis.RedisError:  # starting, or reading its file
                time.sleep(0.05)
            else:
                return
    raise NotReady("the broker did not come up; the log says why")


def _wait_until_ready(url: str, children: list[Child]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    missing = "the API does not answer"
    while time.monotonic() < deadline:
        hopeless = [child.name for child in children if child.deaths >= HOPELESS_DEATHS]
        if hopeless:
            raise NotReady(f"{' and '.join(hopeless)} did not come up; the log says why")
        try:
            answer = httpx.get(f"{url}/readyz", timeout=5)
        except httpx.TransportError:
            pass
        else:
            if answer.is_success:
                return
            missing = answer.text
        time.sleep(0.1)
    raise NotReady(f"the service did not come up within {READY_SECONDS:g} s: {missing}")


def _end(group: Group) -> None:
    """End all in order; a second Ctrl-C ends all at once."""
    try:
        group.stop()
    except KeyboardInterrupt:
        group.kill()
