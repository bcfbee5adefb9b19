"""Experiments, their labels, their history, and the answers remembered for repeated POSTs."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.lifecycle import State
from models.monitor import Mode
from models.specs.experiment import Device
from models.tables.base import Base, enum_column


class ExperimentRow(Base):
    """What a client POSTed, and where it stands."""

    __tablename__ = "experiments"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(200))
    state: Mapped[State] = mapped_column(enum_column(State, "state"))
    spec: Mapped[dict[str, Any]]
    """The validated spec, as ExperimentSpec dumps it; the only copy."""
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"), index=True)
    metric: Mapped[str] = mapped_column(String(100))
    """The monitored metric: by it every trial of this experiment is judged."""
    mode: Mapped[Mode] = mapped_column(String(3))
    """Which way that metric is better."""
    precedence: Mapped[int]
    """The priority, negated: the lowest goes first, so that a plain index is in queue order."""
    max_parallel: Mapped[int]
    device: Mapped[Device] = mapped_column(enum_column(Device, "device"))
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    """Rises with every change a client could see; the ETag, and what long polls wait for."""
    last_event: Mapped[int] = mapped_column(BigInteger, default=0)
    rung_at: Mapped[datetime | None]
    """When the doorbell last rang for its trials; the sweeper rings again if nobody came."""
    conclusion: Mapped[dict[str, Any] | None]
    findings: Mapped[list[Any] | None]
    warnings: Mapped[list[Any] | None]
    """What was found before training; findings, as `findings` are."""
    error: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_experiments_owner_id", "owner", "id"),
        Index("ix_experiments_owner_state_id", "owner", "state", "id"),
        # The queue: those that are not over, the most urgent first, the oldest of them first.
        Index(
            "ix_experiments_queue",
            "precedence",
            "created_at",
            "id",
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
    )


class ExperimentLabelRow(Base):
    """One label of one experiment, for finding it again."""

    __tablename__ = "experiment_labels"

    experiment_id: Mapped[str] = mapped_column(
        ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(63), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))

    __table_args__ = (Index("ix_experiment_labels_key_value", "key", "value", "experiment_id"),)


class EventRow(Base):
    """One numbered fact of an experiment's history; never changed once written."""

    __tablename__ = "events"

    experiment_id: Mapped[str] = mapped_column(
        ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """1, 2, 3 … within the experiment, without gaps."""
    kind: Mapped[str] = mapped_column(String(60))
    trial: Mapped[int | None]
    attempt: Mapped[int | None]
    worker: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class IdempotencyRow(Base):
    """The first answer to a POST with an Idempotency-Key, kept 24 hours."""

    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_sha256: Mapped[str] = mapped_column(String(64))
    experiment_id: Mapped[str] = mapped_column(String(40))
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(index=True)
