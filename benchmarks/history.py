"""How many clients a second can follow a training: our epochs against MLflow's metric history.

One API process on each side, both on SQLite, asked in turns by the same clients for the same
hundred epochs. An answer of ours has every metric of an epoch, MLflow's has one of them.
"""

import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path

from benchmarks import peer
from benchmarks.figures import Figure
from benchmarks.service import SMALL_TABLE, Service, free_port

EPOCHS = 100
CONNECTIONS = 4
TIMES = 5.0
WHAT = f"GET of {EPOCHS} epochs, requests a second of one API process, against MLflow's history"


def measure(running: Service, folder: Path, *, rounds: int, seconds: float) -> list[Figure]:
    """Ask both in turns, each for so long a round.

    Args:
        running: the service, with nothing to do.
        folder: an empty one.
        rounds: the medians count.
        seconds: of one side in one round.
    """
    experiment = running.post(SMALL_TABLE | {"fit": {"epochs": EPOCHS, "early_stopping": None}})
    running.until_over(experiment)
    our_path = f"/experiments/{experiment}/trials/1/epochs"
    port = free_port()
    ours, theirs = [], []
    try:
        with peer.serving("mlflow_history.py", str(folder), str(port), str(EPOCHS)) as their_path:
            for _ in range(rounds):
                ours.append(_rate(running.port, our_path, _epochs, seconds))
                theirs.append(_rate(port, their_path, _history, seconds))
    except peer.Missing as missing:
        return [Figure.missing(WHAT, str(missing), f"{TIMES:g}x")]
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    ratio = statistics.median(ratios)
    return [
        Figure(
            WHAT,
            f"{ratio:.1f}x ({min(ratios):.1f} to {max(ratios):.1f}): "
            f"{statistics.median(ours):.0f} against {statistics.median(theirs):.0f}",
            f"{TIMES:g}x",
            ratio >= TIMES,
        )
    ]


def _epochs(body: bytes) -> int:
    return len(json.loads(body)["data"])


def _history(body: bytes) -> int:
    return len(json.loads(body)["metrics"])


def _rate(port: int, path: str, rows: Callable[[bytes], int], seconds: float) -> float:
    """Answers a second to a few clients, each with one connection, asking without a pause."""
    begun = time.monotonic()

    def ask(_client: int) -> int:
        answers = 0
        with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            while time.monotonic() < begun + seconds:
                connection.request("GET", path)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != HTTPStatus.OK or (not answers and rows(body) != EPOCHS):
                    raise RuntimeError(f"{path} did not answer with {EPOCHS} rows: {body[:500]!r}")
                answers += 1
        return answers

    with ThreadPoolExecutor(CONNECTIONS) as clients:
        answers = sum(clients.map(ask, range(CONNECTIONS)))
    return answers / (time.monotonic() - begun)
