"""A client as it should be: it tries again, with the same Idempotency-Key, until it knows.

What it was shown is kept: the judge compares it with what an undisturbed training shows.
"""

import json as text
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import JsonValue

from tests.faults.plan import Order

# One request. Longer than SQLite's wait for a lock would be a hung service.
REQUEST_SECONDS = 20.0
# Between two attempts at a request that failed, and between two polls.
PAUSE_SECONDS = 0.3
POLL_SECONDS = 0.7


class Refused(Exception):
    """The service says that the client is wrong, which it is not."""


@dataclass(frozen=True, slots=True)
class SeenEpoch:
    """An epoch's row: everything of it that a training decides."""

    epoch: int
    metrics: tuple[tuple[str, JsonValue], ...]
    learning_rate: float | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> "SeenEpoch":
        """From the API's JSON, which gives numbers as they are stored."""
        metrics = tuple(sorted(row["metrics"].items()))
        return cls(row["epoch"], metrics, row["learning_rate"])


@dataclass(slots=True)
class SeenTrial:
    """What polls showed of one trial, in the order in which they showed it."""

    number: int
    epochs: list[SeenEpoch] = field(default_factory=list)
    is_terminal: bool = False


@dataclass(slots=True)
class Accepted:
    """An experiment that the service said it has."""

    order: Order
    id: str
    trials: list[SeenTrial]
    cancelled: bool = False
    is_terminal: bool = False


def seen_health(view: dict[str, Any]) -> str:
    """All of a trial's health that its training decides, as one text to compare.

    Not whose it is, and not the patches: those are of the experiment's spec, which may ask for
    more repeats.
    """
    of_trial = {name: view[name] for name in view if name not in {"experiment", "trial", "links"}}
    findings = [{**finding, "patch": None} for finding in view["findings"]]
    return text.dumps({**of_trial, "findings": findings}, sort_keys=True)


class Client:
    """Speaks HTTP to whichever API answers.

    Args:
        urls: of the APIs, which are all the same to it.
        giving_up: set when it should stop to wait for anything.
    """

    def __init__(self, urls: Sequence[str], giving_up: threading.Event) -> None:
        self._apis = [httpx.Client(base_url=url, timeout=REQUEST_SECONDS) for url in urls]
        self._giving_up = giving_up
        self.unexpected: Counter[str] = Counter()
        """Answers that no fault excuses, by status and code."""
        self.retries = 0

    def close(self) -> None:
        """Close all connections."""
        for api in self._apis:
            api.close()

    def submit(self, order: Order) -> Accepted | None:
        """POST until it is accepted; None when that never happened."""
        answer = self.ask(
            "POST", "/experiments", json=order.body(), headers={"Idempotency-Key": order.key}
        )
        if answer is None:
            return None
        trials = [SeenTrial(number) for number in range(1, order.trials + 1)]
        return Accepted(order, str(answer.json()["id"]), trials)

    def follow(self, accepted: Accepted) -> None:
        """Poll its trials until they are over; cancel it on the way if that is the plan."""
        cancel_at = time.monotonic() + (accepted.order.cancel_after or 0)
        while not self._giving_up.is_set() and not accepted.is_terminal:
            wanted = accepted.order.cancel_after is not None and not accepted.cancelled
            if wanted and time.monotonic() >= cancel_at:
                self._cancel(accepted)
            for trial in accepted.trials:
                self._poll(accepted.id, trial)
            accepted.is_terminal = all(trial.is_terminal for trial in accepted.trials)
            self._giving_up.wait(POLL_SECONDS)

    def download(self, experiment_id: str, trial: int) -> bytes | None:
        """A trained network's file."""
        answer = self.ask("GET", f"/experiments/{experiment_id}/trials/{trial}/network")
        return None if answer is None else answer.content

    def health(self, experiment_id: str, trial: int) -> str | None:
        """What was measured and judged of a trial."""
        answer = self.ask("GET", f"/experiments/{experiment_id}/trials/{trial}/health")
        return None if answer is None else seen_health(answer.json())

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        headers: dict[str, str] | None = None,
        params: dict[str, int] | None = None,
    ) -> httpx.Response | None:
        """Ask one API after the other until one answers; None when it is time to give up.

        Raises:
            Refused: the answer is one that trying again cannot change.
        """
        while not self._giving_up.is_set():
            api = self._apis[0]
            try:
                answer = api.request(method, path, json=json, headers=headers, params=params)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                return answer
            if answer is not None and answer.is_client_error:
                raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
            if answer is not None and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self.unexpected[f"{answer.status_code} {method} {_code(answer)}"] += 1
            self.retries += 1
            self._apis.append(self._apis.pop(0))
            self._giving_up.wait(PAUSE_SECONDS)
        return None

    def _cancel(self, accepted: Accepted) -> None:
        with suppress(Refused):  # it is over already: a client may well be too late
            self.ask("POST", f"/experiments/{accepted.id}/cancel")
        accepted.cancelled = True

    def _poll(self, experiment_id: str, trial: SeenTrial) -> None:
        """Ask for what follows the last epoch that was shown, as a client with a curve does."""
        after = trial.epochs[-1].epoch if trial.epochs else 0
        path = f"/experiments/{experiment_id}/trials/{trial.number}/epochs"
        if trial.is_terminal or not (answer := self.ask("GET", path, params={"after": after})):
            return
        page = answer.json()
        trial.epochs += [SeenEpoch.of(row) for row in page["data"]]
        trial.is_terminal = page["is_terminal"] and not page["has_more"]


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError):
        return answer.text[:80]
