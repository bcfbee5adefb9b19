"""How long a worker waits for what, in seconds: one place, so that tests can hurry."""

from dataclasses import dataclass

# How soon a database that is away or full is tried again.
AWAY_SECONDS = 1.0
# How long a wait lasts before it looks whether anybody wants something else by now.
GLANCE_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The usual figures: a dead worker's trial goes on within a minute, a cancel within 3 s.

    Attributes:
        lease: a trial whose worker is silent for so long goes to another worker.
        beat: between two renewals of a lease.
        order: between two looks for a cancel.
        flush: how old an epoch may be before it is in the database.
        checkpoint: the least between two checkpoints of a training.
        hang: a trainer that reports nothing for so long is hung.
        stop: how long a trainer has to stop between two batches before it is killed, on a cancel.
        drain: the same when the worker is to end; all in all a worker has 30 s.
        away: how long the end of a trial waits for a database that is away, once the worker is to
            end.
        settle: how long the newest checkpoint may still take when an attempt ends before its trial.
        artifacts: how long a file store that is away or full is tried before the trial, or the
            dataset that is read, fails or is given back.
        collect: between two collections of files that no row names.
        sweep: between two rounds of the sweeper.
        ring: queued work that nobody took for so long is rung for again.
        report: between two signs of life of a worker process.
    """

    lease: float = 30.0
    beat: float = 5.0
    order: float = 1.0
    flush: float = 0.25
    checkpoint: float = 10.0
    hang: float = 300.0
    stop: float = 1.0
    drain: float = 10.0
    away: float = 10.0
    settle: float = 3.0
    artifacts: float = 120.0
    collect: float = 600.0
    sweep: float = 2.0
    ring: float = 5.0
    report: float = 5.0
