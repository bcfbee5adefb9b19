"""The ways in which an attempt ends, and what a client is told of the bad ones.

That is what happened, with its figures, and what can be done.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from models import failures
from models.errors import EpochdError
from models.lifecycle import StopReason
from store.artifacts import Stored
from store.outcomes import Failed
from worker import messages
from worker.messages import Finished, Stopped
from worker.process import TrainerGone
from worker.watchdog import TrainerExhausted, TrainerHung

_LESS_MEMORY = (
    "It would do so again. Try a smaller batch_size or a smaller network; or have its worker "
    "started with fewer slots, or on a machine with more memory."
)
_LESS_TIME = (
    "Its epochs up to then are kept. Raise the limit, or train fewer epochs or a smaller network."
)


@dataclass(frozen=True, slots=True)
class Trained:
    """The training came to its own end, and what it left is stored.

    Attributes:
        network: None where there is none worth keeping.
    """

    finished: Finished
    network: Stored | None


@dataclass(frozen=True, slots=True)
class Crashed:
    """The trainer ended, or hung, before it had said how the trial ended.

    Attributes:
        how: one sentence.
    """

    how: str


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The trainer took too much memory, which another attempt would do too.

    Attributes:
        how: one sentence, with the figures.
    """

    how: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The trial could not be handed over, or its network could not be kept.

    Attributes:
        error: why.
    """

    error: EpochdError


Ended = Trained | messages.Failed | Stopped | Crashed | Exhausted | Refused


def crash_of(gone: TrainerGone) -> Crashed | Exhausted:
    """How an attempt ended whose trainer did not say so itself."""
    match gone:
        case TrainerExhausted():
            return Exhausted(f"The training did not fit: {gone}.")
        case TrainerHung():
            return Crashed(f"The training hung: {gone}, so its process was killed.")
        case _:
            return Crashed(f"The process that trained it ended unexpectedly: {gone}.")


def failure(
    ended: messages.Failed | Refused | Stopped | Crashed | Exhausted,
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
            detail = (
                f"It was not done after {max_seconds:g} s, which is its limits.max_seconds."
                f" {_LESS_TIME}"
            )
            return _failed(StopReason.TIMED_OUT, StopReason.TIMED_OUT, detail, engine)
        case Crashed(how=how):
            return _failed(StopReason.WORKER_LOST, StopReason.WORKER_LOST, how, engine)
        case Exhausted(how=how):
            reason = StopReason.OUT_OF_MEMORY
            return _failed(reason, reason, f"{how} {_LESS_MEMORY}", engine)


def _failed(
    reason: StopReason, code: str, detail: str, engine: Mapping[str, JsonValue] | None
) -> Failed:
    return Failed(stop_reason=reason, problem=failures.problem(code, detail), engine=engine)
