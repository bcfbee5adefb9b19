"""How an attempt at a trial can end, as frozen values: matched once, in `endings`."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from models.findings import NOT_JUDGED, Judgement
from models.lifecycle import State, StopReason
from models.views.base import Problem
from store.artifacts import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLosses:
    """What validation rows cost.

    Attributes:
        rows: that validate, in all.
        values: the losses of the first of them, little-endian float32.
    """

    rows: int
    values: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The training came to its end, or diverged: both are results.

    Attributes:
        stop_reason: completed, early_stopped, diverged or pruned.
        reason: what its stop reason alone does not say, for a person.
        network: the exported network; None when there is nothing worth keeping.
        row_losses: what validation rows cost by that network, as far as there are any.
        judgement: on its training.
        engine: how it was trained.
    """

    stop_reason: StopReason
    reason: str | None = None
    network: Stored | None = None
    row_losses: RowLosses | None = None
    judgement: Judgement = NOT_JUDGED
    engine: Mapping[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The training cannot go on.

    Attributes:
        stop_reason: timed_out, out_of_memory, worker_lost or error.
        problem: what a client is told.
        judgement: on its training, as far as it came.
        engine: how it was trained.
    """

    stop_reason: StopReason
    problem: Problem
    judgement: Judgement = NOT_JUDGED
    engine: Mapping[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The trainer is proven to have ended after a cancel."""


Outcome = Succeeded | Failed | Cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """A trial whose worker went silent, and where it went: queued, failed or cancelled."""

    experiment_id: str
    number: int
    attempt: int
    worker: str | None
    crashes: int
    state: State
