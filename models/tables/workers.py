"""The worker processes that have reported themselves."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.specs.experiment import Device
from models.tables.base import Base, enum_column


class WorkerKind(StrEnum):
    """What a worker does."""

    TRAIN = "train"
    CONTROL = "control"


class WorkerRow(Base):
    """One worker process; silent ones are forgotten by the sweeper."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    """kind@host:pid:start, unique among all that ever ran."""
    kind: Mapped[WorkerKind] = mapped_column(enum_column(WorkerKind, "kind"))
    device: Mapped[Device] = mapped_column(enum_column(Device, "device"))
    slots: Mapped[int]
    host: Mapped[str] = mapped_column(String(200))
    pid: Mapped[int]
    version: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
