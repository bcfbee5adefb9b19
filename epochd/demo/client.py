"""A small client of the service: what the demo needs of the HTTP contract, and nothing of our code.

Fields that the demo does not use are ignored, as any client should.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Self

import httpx
from pydantic import BaseModel, JsonValue

from epochd.errors import CannotRun

POLL_SECONDS = 0.25


class DemoFailed(CannotRun):
    """The service did not do what the demo asked for."""


class Epoch(BaseModel):
    """The newest epoch of a trial."""

    epoch: int
    metrics: dict[str, float | None]


class Trial(BaseModel):
    """One network trained once."""

    number: int
    setting: dict[str, JsonValue]
    state: str
    stop_reason: str | None
    is_terminal: bool
    epochs: int
    epochs_planned: int
    latest: Epoch | None


class Trials(BaseModel):
    """A page of trials; one page holds all that the demo starts."""

    data: tuple[Trial, ...]


class Accuracy(BaseModel):
    """The share of validation rows that are classified right."""

    value: float
    standard_error: float


class Candidate(BaseModel):
    """One setting, all its repeats together."""

    rank: int | None
    setting: dict[str, JsonValue]
    stop_reasons: tuple[str, ...]
    score: float | None
    tied: bool | None
    accuracy: Accuracy | None
    best_epoch: float | None
    epochs: float
    seconds: float


class Comparison(BaseModel):
    """All candidates, best first."""

    metric: str
    candidates: tuple[Candidate, ...]


class Conclusion(BaseModel):
    """What the experiment showed."""

    summary: tuple[str, ...]


class Experiment(BaseModel):
    """An experiment as it stands."""

    id: str
    state: str
    is_terminal: bool
    conclusion: Conclusion | None


class Client:
    """Talks to one service.

    Args:
        url: its base address.
    """

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self._http.close()

    def post(self, spec: Mapping[str, JsonValue]) -> Experiment:
        """Start an experiment."""
        return Experiment.model_validate_json(self._ask("POST", "/experiments", spec))

    def experiment(self, identity: str) -> Experiment:
        """Look at an experiment."""
        return Experiment.model_validate_json(self._ask("GET", f"/experiments/{identity}"))

    def comparison(self, identity: str) -> Comparison:
        """Look at its settings side by side."""
        path = f"/experiments/{identity}/comparison"
        return Comparison.model_validate_json(self._ask("GET", path))

    def trials(self, identity: str) -> tuple[Trial, ...]:
        """Look at all its trials."""
        return Trials.model_validate_json(self._ask("GET", f"/experiments/{identity}/trials")).data

    def follow(self, identity: str) -> Iterator[tuple[Trial, ...]]:
        """Give the trials again and again until the experiment is over, the last state included."""
        while True:
            over = self.experiment(identity).is_terminal  # asked first, so the last look is whole
            yield self.trials(identity)
            if over:
                return
            time.sleep(POLL_SECONDS)

    def _ask(self, method: str, path: str, body: Mapping[str, JsonValue] | None = None) -> bytes:
        try:
            answer = self._http.request(method, path, json=body)
        except httpx.TransportError as error:
            raise DemoFailed(f"{method} {path}: {error}") from error
        if not answer.is_success:
            raise DemoFailed(f"{method} {path} answered {answer.status_code}: {answer.text}")
        return answer.content
