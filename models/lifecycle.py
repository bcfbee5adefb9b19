"""The states of experiments, trials and datasets, and every move that is allowed between them.

One table each. The store turns a move into an UPDATE guarded by the state it starts from; whatever
is not listed here cannot happen.
"""

from enum import StrEnum


class State(StrEnum):
    """Where an experiment or a trial stands."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can follow this state."""
        return self in TERMINAL


class DatasetState(StrEnum):
    """Where a dataset stands."""

    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class StopReason(StrEnum):
    """Why a trial's training ended."""

    COMPLETED = "completed"
    EARLY_STOPPED = "early_stopped"
    DIVERGED = "diverged"
    PRUNED = "pruned"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    WORKER_LOST = "worker_lost"
    ERROR = "error"


# How a training ends whose curve says something about its health.
JUDGED = frozenset(
    {
        StopReason.COMPLETED,
        StopReason.EARLY_STOPPED,
        StopReason.DIVERGED,
        StopReason.PRUNED,
        StopReason.TIMED_OUT,
    }
)


class TrialMove(StrEnum):
    """What can happen to a trial."""

    CLAIM = "claim"
    RELEASE = "release"
    EXPIRE = "expire"
    REQUEST_CANCEL = "request_cancel"
    CANCEL = "cancel"
    SUCCEED = "succeed"
    FAIL = "fail"


class ExperimentMove(StrEnum):
    """What can happen to an experiment."""

    START = "start"
    REQUEST_CANCEL = "request_cancel"
    CANCEL = "cancel"
    SUCCEED = "succeed"
    FAIL = "fail"


TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
ACTIVE = frozenset(State) - TERMINAL
# A worker holds a lease on a trial.
HELD = frozenset({State.RUNNING, State.CANCELLING})

# (from, move) -> to. A lease is held exactly in RUNNING and CANCELLING.
TRIAL_MOVES: dict[tuple[State, TrialMove], State] = {
    (State.QUEUED, TrialMove.CLAIM): State.RUNNING,
    (State.QUEUED, TrialMove.CANCEL): State.CANCELLED,
    # A trial whose dataset or spec cannot be read never starts.
    (State.QUEUED, TrialMove.FAIL): State.FAILED,
    # Drained by its worker, or given up by a worker that died: goes on from its checkpoint.
    (State.RUNNING, TrialMove.RELEASE): State.QUEUED,
    (State.RUNNING, TrialMove.EXPIRE): State.QUEUED,
    (State.RUNNING, TrialMove.REQUEST_CANCEL): State.CANCELLING,
    (State.RUNNING, TrialMove.SUCCEED): State.SUCCEEDED,
    (State.RUNNING, TrialMove.FAIL): State.FAILED,
    (State.CANCELLING, TrialMove.CANCEL): State.CANCELLED,
    # Nobody is left to train it, and nobody wants it.
    (State.CANCELLING, TrialMove.RELEASE): State.CANCELLED,
    (State.CANCELLING, TrialMove.EXPIRE): State.CANCELLED,
}

EXPERIMENT_MOVES: dict[tuple[State, ExperimentMove], State] = {
    (State.QUEUED, ExperimentMove.START): State.RUNNING,
    # Only reached while queued when every trial failed or was cancelled before it could start.
    (State.QUEUED, ExperimentMove.FAIL): State.FAILED,
    (State.QUEUED, ExperimentMove.CANCEL): State.CANCELLED,
    (State.RUNNING, ExperimentMove.REQUEST_CANCEL): State.CANCELLING,
    (State.RUNNING, ExperimentMove.CANCEL): State.CANCELLED,
    (State.RUNNING, ExperimentMove.SUCCEED): State.SUCCEEDED,
    (State.RUNNING, ExperimentMove.FAIL): State.FAILED,
    (State.CANCELLING, ExperimentMove.CANCEL): State.CANCELLED,
}
