"""Named places where a process can be told to die or to stop, to prove that nothing is lost there.

`EPOCHD_FAIL_POINTS="checkpoint-stored=kill,submitted=stop:0.1"` names places, what happens there
and, after a colon, how probable it is each time. Without the variable a place costs one look into
an empty dictionary. The faults are the operating system's own: no code can tidy up after them.
"""

import logging
import os
import random
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.errors import EpochdError

log = logging.getLogger(__name__)

VARIABLE = "EPOCHD_FAIL_POINTS"


class Place(StrEnum):
    """Where it hurts."""

    SUBMITTED = "submitted"
    """An experiment is committed; the doorbell has not rung."""
    CLAIMED = "claimed"
    """A trial is claimed; its trainer has not been told."""
    CHECKPOINT_STORED = "checkpoint-stored"
    """A checkpoint has its final name; no row names it yet."""
    CHECKPOINT_COMMITTED = "checkpoint-committed"
    """A row names a checkpoint; those before it are not removed yet."""
    NETWORK_STORED = "network-stored"
    """A trained network has its final name; its trial is not finished yet."""
    JUDGED = "judged"
    """A training is judged; its end is not written yet."""
    ADVANCED = "advanced"
    """The end of a trial and what follows from it are written; neither is committed yet."""
    FINISHED = "finished"
    """The end of a trial is committed; the doorbell has not rung for what follows."""


_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


@dataclass(frozen=True, slots=True)
class _Fault:
    """What happens at a place."""

    signal: signal.Signals
    probability: float


class BadFailPoints(EpochdError):
    """What EPOCHD_FAIL_POINTS asks for does not exist."""


def read(text: str) -> Mapping[Place, _Fault]:
    """The faults that a variable's text asks for.

    Raises:
        BadFailPoints: a place, an action or a probability is none.
    """
    try:
        return dict(_read(part) for part in filter(None, text.split(",")))
    except ValueError as error:
        raise BadFailPoints(f"{VARIABLE}: {error}") from None


def _read(part: str) -> tuple[Place, _Fault]:
    place, _, action = part.partition("=")
    name, _, probability = action.partition(":")
    if name not in _SIGNALS:
        raise ValueError(f"{name!r} is none of {', '.join(_SIGNALS)}")
    return Place(place), _Fault(_SIGNALS[name], float(probability or 1))


_faults = read(os.environ.get(VARIABLE, ""))


def reach(place: Place) -> None:
    """Say that this place is reached; if a fault is asked for here, it happens now."""
    fault = _faults.get(place)
    if fault is None or random.random() >= fault.probability:  # noqa: S311 - not a secret
        return
    log.warning("%s: %s, as %s asks", place, fault.signal.name, VARIABLE)
    os.kill(os.getpid(), fault.signal)
