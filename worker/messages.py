"""What a supervisor and its trainer say to each other: one JSON object a line, over two pipes.

Commands go to the trainer, reports come from it. This module knows no Keras, no pipes and no
database, so both processes can import it; what may be said stands here and nowhere else.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, model_validator

from models.findings import Finding
from models.lifecycle import StopReason
from models.measurements import Measurement
from models.profile import DatasetProfile
from models.specs.fit import MAX_EPOCHS
from models.trial import MAX_ROW_LOSSES, TrialSpec

# What a sound training stays far below, and a database can hold.
MAX_EPOCH_SECONDS = 1e9
MAX_METRICS = 1000
MAX_MEASUREMENTS = 1000

# Of a float32.
ROW_LOSS_BYTES = 4

# As JSON has it. PostgreSQL stores no such character, not even in a trainer's last words.
_NUL = rb"\u0000"
_INSTEAD_OF_NUL = rb"\ufffd"

EpochNumber = Annotated[int, Field(ge=1, le=MAX_EPOCHS)]
MetricName = Annotated[str, Field(pattern=r"^\P{C}{1,200}$")]


class Message(BaseModel):
    """One line on a pipe. Bytes travel as base64, numbers that are not finite as NaN, Infinity."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        ser_json_inf_nan="constants",
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )

    def line(self) -> bytes:
        """The message as it goes over the pipe, newline included."""
        return self.model_dump_json().encode() + b"\n"


class StopCause(StrEnum):
    """Why a supervisor stops a training before its end."""

    CANCEL = "cancel"
    DRAIN = "drain"
    TIMEOUT = "timeout"


class CheckpointFile(Message):
    """Everything that a training needs to go on after an epoch as if nothing had happened.

    Attributes:
        epoch: the last one that is in it, from 1.
        path: on this machine.
        sha256: of the file's bytes, in hexadecimal.
        bytes: its size.
    """

    epoch: EpochNumber
    path: str
    sha256: str
    bytes: int


class Checkpointing(Message):
    """How a training is protected against its own end.

    Attributes:
        folder: on this machine, where checkpoints are written for the supervisor to take away.
        seconds: the least between two checkpoints; one is written at the end of an epoch only.
        found: those of earlier attempts, whole as far as their hashes tell, the newest first.
    """

    folder: str
    seconds: float
    found: tuple[CheckpointFile, ...] = ()


class Train(Message):
    """Train this trial, or go on with it from the newest checkpoint that can be read.

    Attributes:
        trial: what to train, resolved.
        profile: of the dataset.
        folder: the dataset's ready folder on this machine.
        network: where to write the trained network, a path that ends in ".keras".
        checkpointing: where to begin, and where to leave what a later attempt begins from; None
            trains from the beginning, and unprotected.
        memory_bytes: that the trainer may take for itself; larger rows than a share of it pass
            through in portions. None when nobody says.
    """

    kind: Literal["train"] = "train"
    trial: TrialSpec
    profile: DatasetProfile
    folder: str
    network: str
    checkpointing: Checkpointing | None = None
    memory_bytes: int | None = None


class Stop(Message):
    """Stop the training at the next batch, and say so with `Stopped`."""

    kind: Literal["stop"] = "stop"
    reason: StopCause


class Prune(Message):
    """End the training after the epoch in hand, and keep what it has come to: as `Finished`."""

    kind: Literal["prune"] = "prune"


Command = Annotated[Train | Stop | Prune, Field(discriminator="kind")]


class Ready(Message):
    """TensorFlow is loaded and warm; a trial can start at once.

    Attributes:
        device: "cpu", or the GPU's name.
    """

    kind: Literal["ready"] = "ready"
    pid: int
    device: str


class Started(Message):
    """The network is built.

    Attributes:
        parameters: of the network, those that do not train included.
        engine: how it is trained: device, threads, compiled or not, and why.
        epoch: the last one of the checkpoint it goes on from; 0 at the beginning.
        unreadable: last epochs of the checkpoints that turned out to be of no use.
    """

    kind: Literal["started"] = "started"
    parameters: int
    engine: dict[str, JsonValue]
    epoch: int = 0
    unreadable: tuple[int, ...] = ()


class Epoch(Message):
    """What one epoch showed.

    Attributes:
        epoch: from 1.
        metrics: training metrics by their Keras names, validation metrics with val_ before.
        learning_rate: the rate this epoch's last step was made with.
        seconds: training and validation.
    """

    epoch: EpochNumber
    metrics: Annotated[dict[MetricName, float], Field(max_length=MAX_METRICS)]
    learning_rate: float | None
    seconds: Annotated[float, Field(ge=0.0, le=MAX_EPOCH_SECONDS)]


class Epochs(Message):
    """Epochs that ended since the last report, oldest first."""

    kind: Literal["epochs"] = "epochs"
    rows: tuple[Epoch, ...]


class Measurements(Message):
    """What was measured at the end of epochs that were reported before; epoch 0 has no report."""

    kind: Literal["measurements"] = "measurements"
    rows: Annotated[tuple[Measurement, ...], Field(max_length=MAX_MEASUREMENTS)]


class Checkpointed(Message):
    """A checkpoint was written; the epochs up to its own were reported before."""

    kind: Literal["checkpointed"] = "checkpointed"
    file: CheckpointFile


class CheckpointFailed(Message):
    """A checkpoint could not be written; the training goes on without it.

    Attributes:
        epoch: the one that would have been its last.
        problem: one sentence.
    """

    kind: Literal["checkpoint_failed"] = "checkpoint_failed"
    epoch: int
    problem: str


class NetworkFile(Message):
    """The trained network, written and checked.

    Attributes:
        path: on this machine.
        sha256: of the file's bytes, in hexadecimal.
        bytes: its size.
    """

    path: str
    sha256: str
    bytes: int


class RowLosses(Message):
    """What each validation row costs by the network that is handed out.

    Attributes:
        rows: that validate, in all.
        values: the losses of the first of them, MAX_ROW_LOSSES at most: little-endian float32.
    """

    rows: Annotated[int, Field(ge=1)]
    values: bytes

    @model_validator(mode="after")
    def _one_a_row(self) -> "RowLosses":
        if len(self.values) != ROW_LOSS_BYTES * min(self.rows, MAX_ROW_LOSSES):
            raise ValueError("there is not one loss a row")
        return self


Ending = Literal[
    StopReason.COMPLETED, StopReason.EARLY_STOPPED, StopReason.DIVERGED, StopReason.PRUNED
]
"""How a training comes to its own end."""


class Finished(Message):
    """The training came to its own end.

    Attributes:
        network: None for a diverged training: its weights are of no use.
        row_losses: of that network; None without one, and without validation rows.
        findings: what was judged in the trainer.
    """

    kind: Literal["finished"] = "finished"
    stop_reason: Ending
    network: NetworkFile | None
    row_losses: RowLosses | None = None
    findings: tuple[Finding, ...] = ()


class Stopped(Message):
    """The training ended because the supervisor asked; nothing runs any more."""

    kind: Literal["stopped"] = "stopped"
    reason: StopCause


class Failed(Message):
    """The training could not be done; the trainer itself is fine.

    Attributes:
        stop_reason: out_of_memory is told apart from every other error.
        code: stable, machine readable.
        problem: one or two sentences for the client.
        detail: the stack trace, for the log alone.
        passing: it is no fault of the trial's, so another attempt may do better.
    """

    kind: Literal["failed"] = "failed"
    stop_reason: Literal[StopReason.OUT_OF_MEMORY, StopReason.ERROR]
    code: str
    problem: str
    detail: str
    passing: bool = False


class Pulse(Message):
    """The training makes progress: sent from between two batches, at most once a second."""

    kind: Literal["pulse"] = "pulse"


Report = Annotated[
    Ready
    | Started
    | Epochs
    | Measurements
    | Checkpointed
    | CheckpointFailed
    | Finished
    | Stopped
    | Failed
    | Pulse,
    Field(discriminator="kind"),
]

_COMMANDS: TypeAdapter[Command] = TypeAdapter(Command)
_REPORTS: TypeAdapter[Report] = TypeAdapter(Report)


def read_command(line: bytes) -> Command:
    """A command from its line.

    Raises:
        ValueError: it is none.
    """
    return _COMMANDS.validate_json(line)


def read_report(line: bytes) -> Report:
    """A report from its line.

    Raises:
        ValueError: it is none, or says what cannot be.
    """
    return _REPORTS.validate_json(line.replace(_NUL, _INSTEAD_OF_NUL))
