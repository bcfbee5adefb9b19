"""Trials, their attempts, epochs and measurements: the queue and what training produced."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.lifecycle import State, StopReason
from models.tables.base import Base, enum_column

# SQLite numbers rows by itself only where the key is a plain INTEGER.
TrialKey = BigInteger().with_variant(Integer, "sqlite")


class TrialRow(Base):
    """One network to be trained once. A queued row is the job; no message carries it."""

    __tablename__ = "trials"

    id: Mapped[int] = mapped_column(TrialKey, primary_key=True, autoincrement=True)
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id", ondelete="CASCADE"))
    number: Mapped[int]
    """1 … n within the experiment."""
    candidate: Mapped[int]
    """Which setting this is, from 0; repeats of one setting share it."""
    repeat: Mapped[int]
    """From 0; trials of the same repeat share validation rows, batch order and initial weights."""
    seed: Mapped[int] = mapped_column(BigInteger)
    setting: Mapped[dict[str, Any]]
    """What differs from its siblings, plainly: {"learning_rate": 0.01}."""
    changes: Mapped[dict[str, Any]]
    """Spec path -> value; applied to the experiment's spec they give this trial's."""
    reason: Mapped[str] = mapped_column(String(500))
    """Why the search proposed it."""
    parameters: Mapped[int] = mapped_column(BigInteger)
    epochs_planned: Mapped[int]

    state: Mapped[State] = mapped_column(enum_column(State, "state"))
    stop_reason: Mapped[StopReason | None] = mapped_column(enum_column(StopReason, "stop_reason"))
    attempt: Mapped[int] = mapped_column(default=0)
    """The fencing token: raised by every claim, named by every write under the lease."""
    crashes: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime]
    """When it last came into the queue."""
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    epochs_done: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)
    """Training time so far, over all attempts."""
    best_value: Mapped[float | None]
    """Best finite value of the experiment's metric; None without one and for a diverged trial."""
    best_epoch: Mapped[int | None]
    engine: Mapped[dict[str, Any] | None]
    """How it was trained: device, threads, compiled or not, and why."""
    findings: Mapped[list[Any] | None]
    checks: Mapped[list[Any] | None] = mapped_column(deferred=True)
    """What every rule came to when `findings` were made; None where nobody kept that."""
    error: Mapped[dict[str, Any] | None]

    __table_args__ = (
        UniqueConstraint("experiment_id", "number"),
        # Counts by state, and the oldest queued trial of an experiment.
        Index("ix_trials_experiment_id_state_number", "experiment_id", "state", "number"),
        # The leases: what the sweeper looks for.
        Index(
            "ix_trials_leases",
            "lease_until",
            sqlite_where=text("lease_until IS NOT NULL"),
            postgresql_where=text("lease_until IS NOT NULL"),
        ),
        # A reused id would let a worker that lost its trial write into another one.
        {"sqlite_autoincrement": True},
    )


class AttemptRow(Base):
    """One execution of a trial by one worker."""

    __tablename__ = "attempts"

    trial_id: Mapped[int] = mapped_column(
        TrialKey, ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(40))
    """A stop reason, or "released" (drained) or "expired" (its worker went silent)."""


class EpochRow(Base):
    """The metrics of one epoch of one trial."""

    __tablename__ = "epochs"

    trial_id: Mapped[int] = mapped_column(
        TrialKey, ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True
    )
    epoch: Mapped[int] = mapped_column(primary_key=True)
    """From 1."""
    attempt: Mapped[int]
    metrics: Mapped[dict[str, Any]]
    """Metric name -> number, or null where it was not finite."""
    non_finite: Mapped[dict[str, Any] | None]
    """Metric name -> "nan", "inf" or "-inf", where a number could not be stored."""
    learning_rate: Mapped[float | None]
    """The optimizer's rate at the end of the epoch."""
    seconds: Mapped[float]
    finished_at: Mapped[datetime]


class MeasurementRow(Base):
    """What was measured of a network after one epoch, beside its metrics."""

    __tablename__ = "measurements"

    trial_id: Mapped[int] = mapped_column(
        TrialKey, ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True
    )
    epoch: Mapped[int] = mapped_column(primary_key=True)
    """From 0, which is before training."""
    attempt: Mapped[int]
    values: Mapped[dict[str, Any]]
    """A models.measurements.Measurement without its epoch, and without what is left at None."""


class RowLossesRow(Base):
    """What each validation row costs by the network that a trial left.

    In a table of its own, because 64 KiB in a trial's row would slow down all that reads or moves
    trials.
    """

    __tablename__ = "row_losses"

    trial_id: Mapped[int] = mapped_column(
        TrialKey, ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True
    )
    rows: Mapped[int]
    """That validate, in all."""
    losses: Mapped[bytes] = mapped_column(LargeBinary)
    """Of the first of them, little-endian float32, in the order that a repeat's trials share."""
