"""Trial results as a store would give them, for tests of what is made of them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from models.lifecycle import State, StopReason
from models.trial import Proposal, TrialResult


def trial(
    number: int,
    score: float | None,
    *,
    metric: str = "val_loss",
    candidate: int | None = None,
    repeat: int = 0,
    setting: Mapping[str, JsonValue] | None = None,
    changes: Mapping[str, JsonValue] | None = None,
    stop_reason: StopReason = StopReason.COMPLETED,
    state: State = State.SUCCEEDED,
    parameters: int = 10,
    epochs: int = 4,
    best_epoch: int = 2,
    error_code: str | None = None,
    losses: Sequence[float] | None = None,
) -> TrialResult:
    """One that is over; by default the only repeat of a learning rate of ten to the -number."""
    rate = 10.0**-number
    return TrialResult(
        number=number,
        candidate=number if candidate is None else candidate,
        repeat=repeat,
        seed=7 + repeat,
        setting={"learning_rate": rate} if setting is None else setting,
        changes={"compile.optimizer.learning_rate": rate} if changes is None else changes,
        state=state,
        stop_reason=stop_reason,
        metric=metric,
        score=score,
        best_epoch=None if score is None else best_epoch,
        epochs=epochs,
        parameters=parameters,
        seconds=2.0,
        error_code=error_code,
        row_losses=None if losses is None else np.asarray(losses, dtype=np.float32),
    )


def proposed(
    number: int,
    proposal: Proposal,
    score: float | None = None,
    *,
    state: State = State.SUCCEEDED,
    stop_reason: StopReason | None = StopReason.COMPLETED,
    epochs: int = 5,
    parameters: int = 100,
    row_losses: NDArray[np.float32] | None = None,
) -> TrialResult:
    """What a search proposed, and what it came to; by default it is over."""
    return TrialResult(
        number=number,
        candidate=proposal.candidate,
        repeat=proposal.repeat,
        seed=proposal.seed,
        setting=proposal.setting,
        changes=proposal.changes,
        state=state,
        stop_reason=stop_reason,
        metric="val_loss",
        score=score,
        best_epoch=None if score is None else 3,
        epochs=epochs,
        parameters=parameters,
        seconds=1.0,
        row_losses=row_losses,
    )


def queued(number: int, proposal: Proposal) -> TrialResult:
    """What a search proposed, before anybody trains it."""
    return proposed(number, proposal, state=State.QUEUED, stop_reason=None, epochs=0)
