"""Datasets and the stored files of all kinds."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.lifecycle import DatasetState
from models.tables.base import Base, enum_column


class Source(StrEnum):
    """Where a dataset came from."""

    UPLOAD = "upload"
    INLINE = "inline"
    BUILTIN = "builtin"


class ArtifactKind(StrEnum):
    """What a stored file is."""

    NETWORK = "network"
    CHECKPOINT = "checkpoint"
    UPLOAD = "upload"


class DatasetRow(Base):
    """Data uploaded once: immutable, addressed by its content."""

    __tablename__ = "datasets"

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    """ "ds_…", or "builtin:digits"."""
    owner: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(200))
    source: Mapped[Source] = mapped_column(enum_column(Source, "source"))
    sha256: Mapped[str] = mapped_column(String(64))
    """Of the bytes as they came; equal content of one owner is one dataset."""
    bytes: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[DatasetState] = mapped_column(enum_column(DatasetState, "state"))
    folder: Mapped[str | None] = mapped_column(String(500))
    """Key of the ready folder in the artifact store."""
    upload: Mapped[str | None] = mapped_column(String(500))
    """Key of the bytes as they came, while they are still to be read."""
    profile: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    attempt: Mapped[int] = mapped_column(default=0)
    """The fencing token of the worker that reads it."""
    worker: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None]
    rung_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_datasets_owner_sha256",
            "owner",
            "sha256",
            unique=True,
            sqlite_where=text("deleted_at IS NULL AND state <> 'failed'"),
            postgresql_where=text("deleted_at IS NULL AND state <> 'failed'"),
        ),
        Index("ix_datasets_owner_id", "owner", "id"),
        Index("ix_datasets_state", "state"),
        Index("ix_datasets_folder", "folder"),
    )


class ArtifactRow(Base):
    """One stored file of a trial."""

    __tablename__ = "artifacts"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    kind: Mapped[ArtifactKind] = mapped_column(enum_column(ArtifactKind, "kind"))
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id", ondelete="CASCADE"))
    trial: Mapped[int]
    attempt: Mapped[int]
    epoch: Mapped[int | None]
    """Of a checkpoint: the last epoch that is in it."""
    key: Mapped[str] = mapped_column(String(500), unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_artifacts_experiment_id_trial", "experiment_id", "trial"),)
