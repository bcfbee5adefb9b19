"""The ways in which an attempt ends, and what a client is told of the bad ones."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import JsonValue

from models.errors import EpochdError
from models.lifecycle import StopReason
from models.views.base import Problem
from store.artifacts import Stored
from store.outcomes import Failed
from worker import messages
from worker.messages import Ending, Finished, Stopped

_TITLES = {
    StopReason.OUT_OF_MEMORY: "The training ran out of memory",
    StopReason.TIMED_OUT: "The training took too long",
    StopReason.WORKER_LOST: "The training was lost",
    StopReason.ERROR: "The training failed",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """The training came to its own end, and what it left is stored.

    Attributes:
        network: None where there is none worth keeping.
    """

    finished: Finished
    network: Stored | None


@dataclass(frozen=True, slots=True)
class Crashed:
    """The trainer ended before it had said how the trial ended.

    Attributes:
        how: in words.
    """

    how: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The trial could not be handed over, or its network could not be kept.

    Attributes:
        error: why.
    """

    error: EpochdError


Ended = Kept | messages.Failed | Stopped | Crashed | Refused


@dataclass(frozen=True, slots=True)
class Stopping:
    """A stop that the trainer was asked for, and until when it has time."""

    reason: Ending
    until: float

    @classmethod
    def within(cls, seconds: float, reason: Ending) -> Self:
        """From now on."""
        return cls(reason, time.monotonic() + seconds)

    def overdue(self) -> bool:
        """Whether the trainer did not heed it."""
        return time.monotonic() > self.until


def failure(
    ended: messages.Failed | Refused | Stopped | Crashed,
    *,
    max_seconds: float,
    engine: Mapping[str, JsonValue] | None,
) -> Failed:
    """What a client is told.

    Args:
        ended: a Stopped only for having taken too long.
        max_seconds: how long it might take.
        engine: how it was trained, as far as is known.
    """
    match ended:
        case messages.Failed():
            reason, code, detail = ended.stop_reason, ended.code, ended.problem
            return _failed(reason, code, detail, engine)
        case Refused(error=error):
            return _failed(StopReason.ERROR, error.code, error.detail, engine)
        case Stopped():
            detail = f"It was not done after {max_seconds:g} s, which is its limits.max_seconds."
            return _failed(StopReason.TIMED_OUT, StopReason.TIMED_OUT, detail, engine)
        case Crashed(how=how):
            detail = f"The process that trained it ended unexpectedly: {how}."
            return _failed(StopReason.WORKER_LOST, StopReason.WORKER_LOST, detail, engine)


def _failed(
    reason: StopReason, code: str, detail: str, engine: Mapping[str, JsonValue] | None
) -> Failed:
    problem = Problem(title=_TITLES[reason], detail=detail, code=code)
    return Failed(stop_reason=reason, problem=problem, engine=engine)
