"""What the service costs: start, time to the first epoch, polls under load, overhead, checkpoints.

Everything runs on this machine against the real embedded service (`epochd serve`).
"""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path

import httpx

from benchmarks.bare_loop import bare_trial, protected_trainings, seconds_of_bare_trainings
from benchmarks.figures import Figure, percentile

POLLS_A_SECOND = 200
POLLING_THREADS = 8
CHECKPOINT_SECONDS = 10.0
SMALL_TABLE = {
    "data": {"dataset": "builtin:breast_cancer"},
    "network": {
        "layers": [
            {"layer": "Dense", "units": 100, "activation": "relu"},
            {"layer": "Dense", "units": 100, "activation": "relu"},
        ]
    },
    "compile": {"optimizer": {"optimizer": "Adam", "learning_rate": 0.001}},
    "fit": {"epochs": 3, "early_stopping": None},
}


@dataclass(frozen=True, slots=True)
class Service:
    """A running embedded service."""

    url: str
    port: int
    pid: int
    client: httpx.Client

    def post(self, spec: dict[str, object]) -> str:
        """POST an experiment; its id."""
        answer = self.client.post("/experiments", json=spec)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def upload(self, path: Path) -> str:
        """Upload a dataset and wait until it is read; its id."""
        with path.open("rb") as file:
            answer = self.client.post("/datasets", files={"file": (path.name, file)}, timeout=120)
        answer.raise_for_status()
        dataset = str(answer.json()["id"])
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            view = self.client.get(f"/datasets/{dataset}", params={"wait": 20}).json()
            if view["state"] != "processing":
                assert view["state"] == "ready", view
                return dataset
        raise TimeoutError(f"{path.name} was not read")

    def until_over(self, experiment: str, seconds: float = 600) -> dict[str, object]:
        """Long-poll until it is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            view: dict[str, object] = self.client.get(
                f"/experiments/{experiment}", params={"wait": 20}, timeout=40
            ).json()
            if view["is_terminal"]:
                return view
        raise TimeoutError(f"{experiment} is not over after {seconds} s")


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def service(folder: Path, slots: int) -> Iterator[Service]:
    """`epochd serve` in a process of its own, ready, stopped cleanly at the end."""
    port = free_port()
    log = (folder / "serve.log").open("w")
    command = [sys.executable, "-m", "epochd", "serve", "--port", str(port)]
    command += ["--data-dir", str(folder / "data"), "--slots", str(slots)]
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_for(client, "/readyz", 120)
            wait_for_slots(client, slots)
            yield Service(f"http://127.0.0.1:{port}", port, process.pid, client)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        log.close()


def wait_for(client: httpx.Client, path: str, seconds: float) -> None:
    """Until a path answers 200."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if client.get(path).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.01)
    raise TimeoutError(f"{path} did not answer 200 within {seconds} s")


def wait_for_slots(client: httpx.Client, slots: int) -> None:
    """Until the train worker has reported all its slots."""
    deadline = time.monotonic() + 120
    while client.get("/queue").json()["slots"] < slots:
        if time.monotonic() > deadline:
            raise TimeoutError("the train worker did not report itself")
        time.sleep(0.1)


def api_start(repetitions: int) -> Figure:
    """From starting the API's process to its first answer on /healthz."""
    seconds = [_one_api_start() for _ in range(repetitions)]
    median = statistics.median(seconds)
    return Figure(
        "API process: start to /healthz, without TensorFlow",
        f"{median:.2f} s (max {max(seconds):.2f})",
        "1.5 s",
        median <= 1.5,
    )


def _one_api_start() -> float:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = os.environ | {
            "EPOCHD_DATA_DIR": folder,
            "EPOCHD_DATABASE_URL": f"sqlite:///{folder}/epochd.sqlite3",
            "EPOCHD_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
        }
        command = [sys.executable, "-m", "epochd", "api", "--port", str(port)]
        started = time.monotonic()
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                wait_for(client, "/healthz", 30)
            seconds = time.monotonic() - started
            maps = Path(f"/proc/{process.pid}/maps")
            if maps.exists() and "tensorflow" in maps.read_text():
                raise RuntimeError("the API process has TensorFlow loaded")
            return seconds
        finally:
            process.terminate()
            process.wait(30)


def first_epoch(running: Service, repetitions: int) -> Figure:
    """From POST to the first epoch in a poll, worker and trainer warm."""
    running.until_over(running.post(SMALL_TABLE))
    seconds = []
    for repetition in range(repetitions):
        started = time.monotonic()
        experiment = running.post(SMALL_TABLE | {"seed": repetition})
        epochs = f"/experiments/{experiment}/trials/1/epochs"
        while not running.client.get(epochs).json()["data"]:
            time.sleep(0.01)
        seconds.append(time.monotonic() - started)
        running.until_over(experiment)
    median = statistics.median(seconds)
    return Figure(
        "POST to first epoch visible, warm worker, 569 rows",
        f"{median:.2f} s (max {max(seconds):.2f})",
        "1 s",
        median <= 1,
    )


def polling(running: Service, seconds: float) -> Figure:
    """Polls of an experiment of 100 epochs at a fixed rate while two trainers run.

    Latency counts from when a poll was due, not from when it could be sent, so a stall of the
    service is charged to every poll it delays.
    """
    polled = running.post(SMALL_TABLE | {"fit": {"epochs": 100, "early_stopping": None}})
    running.until_over(polled)
    long_fit = {"epochs": 100_000, "early_stopping": None}
    busy = [running.post(SMALL_TABLE | {"fit": long_fit}) for _ in range(2)]
    while running.client.get("/queue").json()["running"] < len(busy):
        time.sleep(0.05)
    time.sleep(2)  # both are past compiling
    latencies, failures = _poll(running.port, f"/experiments/{polled}/trials/1/epochs", seconds)
    for experiment in busy:
        running.client.post(f"/experiments/{experiment}/cancel")
        running.until_over(experiment)
    p50, p99 = (percentile(latencies, share) * 1000 for share in (0.5, 0.99))
    rate = len(latencies) / seconds
    return Figure(
        f"{rate:.0f} polls a second of 100 epochs, two trainers running",
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, {failures} failed",
        "200 a second, p99 50 ms",
        p99 <= 50 and not failures and rate >= POLLS_A_SECOND * 0.98,
    )


def _poll(port: int, path: str, seconds: float) -> tuple[list[float], int]:
    latencies: list[float] = []
    failures = [0]
    start = time.monotonic() + 0.2
    gap = POLLING_THREADS / POLLS_A_SECOND

    def poll(thread: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        due = start + thread * gap / POLLING_THREADS
        while due < start + seconds:
            time.sleep(max(0.0, due - time.monotonic()))
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            latencies.append(time.monotonic() - due)
            failures[0] += answer.status != httpx.codes.OK or b'"data"' not in body
            due += gap

    threads = [threading.Thread(target=poll, args=(index,)) for index in range(POLLING_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies, failures[0]


def overhead(running: Service, folder: Path, repetitions: int, epochs: int) -> Figure:
    """A training through the service against the same loop on its own, turn by turn.

    Both are timed in warm processes: the service from POST to the terminal state, the bare loop
    from its call to its return, both with data preparation, compiling and the exported network.
    """
    spec = {
        **SMALL_TABLE,
        "data": {"dataset": "builtin:digits"},
        "network": {"layers": [{"layer": "Dense", "units": 512, "activation": "relu"}] * 2},
        "fit": {"epochs": epochs, "early_stopping": None},
    }
    running.until_over(running.post(spec))
    ratios, walls = [], []
    for alone in islice(seconds_of_bare_trainings(bare_trial(spec, folder), 1), 1, repetitions + 1):
        started = time.monotonic()
        running.until_over(running.post(spec))
        walls.append(time.monotonic() - started)
        ratios.append(walls[-1] / alone)
    ratio = statistics.median(ratios)
    return Figure(
        f"the service around a training of {statistics.median(walls):.0f} s",
        f"{ratio:.3f} of the bare loop ({min(ratios):.3f} to {max(ratios):.3f})",
        "1.05",
        ratio <= 1.05,
    )


def checkpoints(folder: Path, repetitions: int, epochs: int, width: int) -> Figure:
    """What checkpoints take of a training's time, in a trainer that is allowed two threads.

    The share is what the trainer spends writing them. The difference to the same training without
    any, which shows what writing does to everything else, is smaller than the machine's noise.
    """
    spec = {
        **SMALL_TABLE,
        "data": {"dataset": "builtin:digits"},
        "network": {"layers": [{"layer": "Dense", "units": width, "activation": "relu"}] * 2},
        "fit": {"epochs": epochs, "early_stopping": {"patience": epochs}},
    }
    measured = list(
        islice(protected_trainings(bare_trial(spec, folder), 2, CHECKPOINT_SECONDS), repetitions)
    )
    shares = [each.writing / each.seconds for each in measured]
    extra = statistics.median(each.seconds / each.alone - 1 for each in measured)
    seconds = statistics.median(each.seconds for each in measured)
    share = statistics.median(shares)
    return Figure(
        f"a checkpoint every {CHECKPOINT_SECONDS:.0f} s, share of a training of {seconds:.0f} s, "
        f"width {width}",
        f"{share:.2%} ({min(shares):.2%} to {max(shares):.2%}), paired {extra:+.1%}",
        "3 %",
        share <= 0.03,
    )
