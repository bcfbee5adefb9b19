"""Four processes write into one SQLite file as fast as they can: nobody may hear of its lock.

SQLite has one writer at a time, and the others wait for it inside the service, not in an error.
"""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.faults.plan import FIRST_SEED, Order
from tests.faults.service import Figures, service

WRITERS = 4
SECONDS = 60.0
# No trainers: what is queued is cancelled, and everything that writes is an API.
FIGURES = Figures(trainers=0, apis=WRITERS)
REQUEST_SECONDS = 40.0


@dataclass(slots=True)
class Hammered:
    """What the writers were answered.

    Attributes:
        answers: how often which status.
        slowest: seconds that the slowest answer took.
        refused: the bodies of answers that were no success.
    """

    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    refused: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether every write was answered with success."""
        return not self.refused and self.answers.total() > 0


def hammer(folder: Path, seconds: float = SECONDS) -> Hammered:
    """Submit, cancel and delete at four APIs of one database at once."""
    found = Hammered()
    lock = threading.Lock()
    with service("sqlite", folder, FIGURES) as site:
        until = time.monotonic() + seconds
        threads = [
            threading.Thread(target=_write, args=(number, url, until, found, lock))
            for number, url in enumerate(site.urls)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return found


def _write(number: int, url: str, until: float, found: Hammered, lock: threading.Lock) -> None:
    with httpx.Client(base_url=url, timeout=REQUEST_SECONDS) as client:
        count = 0
        while time.monotonic() < until:
            count += 1
            order = Order(
                key=f"writer-{number}-{count}", recipe="dropout", seed=FIRST_SEED, trials=4
            )
            answers = _one_life(client, order)
            with lock:
                for seconds, answer in answers:
                    found.answers[answer.status_code] += 1
                    found.slowest = max(found.slowest, seconds)
                    if not answer.is_success:
                        found.refused.append(f"{answer.status_code} {answer.text[:300]}")


def _one_life(client: httpx.Client, order: Order) -> Sequence[tuple[float, httpx.Response]]:
    """Submit, cancel, delete: each answer with the seconds that it took."""
    headers = {"Idempotency-Key": order.key}
    posted = _timed(client, "POST", "/experiments", json=order.body(), headers=headers)
    if not posted[1].is_success:
        return [posted]
    path = f"/experiments/{posted[1].json()['id']}"
    cancelled = _timed(client, "POST", f"{path}/cancel")
    return [posted, cancelled, _timed(client, "DELETE", path)]


def _timed(
    client: httpx.Client, method: str, path: str, **more: object
) -> tuple[float, httpx.Response]:
    begun = time.monotonic()
    answer = client.request(method, path, **more)  # type: ignore[arg-type]
    return time.monotonic() - begun, answer
