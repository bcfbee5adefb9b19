"""What can be set from outside, read once at an entry point and passed in from there.

Every setting is an environment variable, EPOCHD_ and its name: EPOCHD_DATABASE_URL. The few that a
command also takes as an option are overridden by the option.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from epochd.errors import BadSettings

MEBIBYTE = 1024 * 1024

# More trainers than this on one machine is a decision, not a default: each holds about 600 MB.
MOST_DEFAULT_SLOTS = 4

# What the store speaks; artifacts go wherever fsspec goes.
SCHEMES = {
    "database_url": ("sqlite://", "postgresql://", "postgresql+psycopg://"),
    "broker_url": ("redis://", "rediss://", "redis+socket://"),
}

Seconds = Annotated[float, Field(gt=0, le=3600)]


def default_slots() -> int:
    """One trainer a core, up to a few; small networks gain more from that than from threads."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return min(len(os.sched_getaffinity(0)), MOST_DEFAULT_SLOTS)
    return min(os.cpu_count() or 1, MOST_DEFAULT_SLOTS)


class Settings(BaseSettings):
    """All settings of all commands; no command needs every one."""

    model_config = SettingsConfigDict(
        env_prefix="EPOCHD_", frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    data_dir: Path = Path("epochd-data")
    """Where the embedded service keeps everything: database, broker, artifacts."""
    database_url: str | None = None
    """sqlite:////folder/file or postgresql://user:password@host/name. Unset: SQLite in data_dir."""
    broker_url: str | None = None
    """redis://:password@host:6379/0, a Redis or a Valkey. `serve` starts its own when unset."""
    artifacts_url: str | None = None
    """Any fsspec URL: file:///folder, s3://bucket/prefix. Unset: a folder in data_dir."""

    host: str = "127.0.0.1"
    """The address that the API listens on. There is no authentication: keep strangers out."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """0 takes any free one."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = MEBIBYTE
    """The largest JSON body."""
    max_upload_bytes: Annotated[int, Field(ge=1024)] = 2048 * MEBIBYTE
    """The largest dataset upload."""

    slots: Annotated[int, Field(ge=1, le=64)] = Field(default_factory=default_slots)
    """Trials that one train worker trains at the same time, each in a process of its own."""
    device: Literal["cpu", "gpu"] = "cpu"
    """What a train worker trains on; it takes only trials that may run there."""
    gpus_per_trial: Annotated[int, Field(ge=1, le=64)] = 1
    """GPUs that share the batches of one trial, of those that its worker sees."""
    lease_seconds: Seconds = 30.0
    """A worker that is silent for this long loses its trial to another."""
    heartbeat_seconds: Seconds = 5.0
    """How often a worker renews its leases."""
    checkpoint_seconds: Seconds = 10.0
    """The least between two checkpoints of a training. A crash costs what was trained since the
    last one: this, an epoch where that is longer, or more where writing is slow."""
    hang_seconds: Seconds = 300.0
    """A training that reports nothing for this long, and hardly computes, is killed as a crash."""
    drain_seconds: Seconds = 10.0
    """How long a training has to stop by itself when its worker is told to end."""
    trainer_memory_mb: Annotated[int, Field(ge=256)] | None = None
    """What one training may take, in MiB. Unset: the machine's memory, or the container's, less a
    tenth and at least 1 GiB, divided by the slots; never below 1 GiB."""
    sweep_seconds: Seconds = 2.0
    """How often every process looks for expired leases and for work that nobody was told of."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("heartbeat_seconds")
    @classmethod
    def _beats_twice_in_a_lease(cls, value: float, info: ValidationInfo) -> float:
        lease = info.data.get("lease_seconds")  # missing when it was refused itself
        if lease is not None and 2 * value > lease:
            raise ValueError(f"must be at most half of EPOCHD_LEASE_SECONDS, which is {lease:g}")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("database_url", "broker_url", "artifacts_url", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return value or None  # what a compose file passes for a variable that is not set

    @field_validator("database_url", "broker_url")
    @classmethod
    def _has_a_scheme_we_speak(cls, value: str | None, info: ValidationInfo) -> str | None:
        schemes = SCHEMES[info.field_name or ""]
        if value is not None and not value.startswith(schemes):
            raise ValueError(f"must be a URL that starts with {' or '.join(schemes)}")
        return value

    @classmethod
    def read(cls, **options: object) -> Self:
        """Read the environment; options that are not None go before it.

        Raises:
            BadSettings: one line that names every setting that cannot be used.
        """
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return cls(**given)  # type: ignore[arg-type]  # pydantic checks them
        except ValidationError as error:
            raise BadSettings("; ".join(_plainly(error, given))) from None

    @property
    def database(self) -> str:
        """The URL of the database, given or embedded."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'epochd.sqlite3'}"

    @property
    def artifacts(self) -> str:
        """The URL of the artifact store, given or embedded."""
        return self.artifacts_url or f"file://{self.data_dir.absolute() / 'artifacts'}"

    @property
    def cache(self) -> Path:
        """A folder of this machine for artifacts that had to be fetched from elsewhere."""
        return self.data_dir.absolute() / "cache"

    def in_folder(self, folder: Path) -> Self:
        """The same settings with another data folder and nothing outside it."""
        inside = {"data_dir": folder, "database_url": None, "broker_url": None}
        return self.model_copy(update={**inside, "artifacts_url": None})

    def environment(self) -> dict[str, str]:
        """These settings as the environment of another process, what was left open filled in."""
        filled = {"database_url": self.database, "artifacts_url": self.artifacts}
        values = {**self.model_dump(mode="json", exclude_none=True), **filled}
        return {f"EPOCHD_{name.upper()}": str(value) for name, value in values.items()}

    @property
    def broker(self) -> str:
        """The URL of the broker, which only `serve` can do without.

        Raises:
            BadSettings: none was given.
        """
        if self.broker_url is None:
            raise BadSettings(
                "EPOCHD_BROKER_URL is not set: redis://host:6379/0 of a Redis or Valkey"
                " (`epochd serve` starts its own)"
            )
        return self.broker_url


def _plainly(error: ValidationError, options: dict[str, object]) -> list[str]:
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0])
        called = f"--{name.replace('_', '-')}" if name in options else f"EPOCHD_{name.upper()}"
        # A URL may hold a password.
        value = "" if name.endswith("_url") else f"={problem['input']}"
        lines.append(f"{called}{value}: {problem['msg']}")
    return lines
