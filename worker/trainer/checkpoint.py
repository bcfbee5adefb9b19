"""One file that holds all of a training after an epoch: written whole, read whole or refused.

A zip of arrays as numpy's .npz is, and one array of bytes that is JSON; nothing in it is pickled.
When to write, and what becomes of the file, is decided elsewhere.
"""

import errno
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import keras
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from worker.messages import Ending
from worker.trainer.loop import Position
from worker.trainer.pairing import Measured

STATE = "state"

# What the system says of a file that is gone, or whose length is not what its zip says. Whatever
# else it says (EIO, ESTALE, ETIMEDOUT, EMFILE, ...) is of the disk, the network or this process.
_OF_THE_FILE = {None, errno.EINVAL, errno.EISDIR, errno.ENOENT, errno.ENOTDIR}

Array = NDArray[np.generic]
Callbacks = Sequence[keras.callbacks.Callback]
Found = TypeVar("Found", bound=keras.callbacks.Callback)


class UnusableCheckpoint(Exception):
    """A file is no whole checkpoint of this training; the message says why."""


class UnreadCheckpoint(Exception):
    """A file cannot be read at the moment, and may be whole; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a training has come.

    Attributes:
        position: the last epoch, and whether the training ended with it.
        initial_loss: of the untrained network.
        losses: training loss of the epochs 1, 2, …
        measured: what later measurements are compared with; None where nothing is measured.
    """

    position: Position
    initial_loss: float
    losses: tuple[float, ...]
    measured: Measured | None = None


class _Kept(BaseModel):
    """A part of the JSON. Python's floats survive it bit by bit, those that are not finite too."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        from_attributes=True,
        ser_json_inf_nan="constants",
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )


class _EarlyStopping(_Kept):
    """Attributes of Keras's EarlyStopping that its epochs change, by their names there."""

    wait: int
    best: float | None
    best_epoch: int
    stopped_epoch: int


class _Plateau(_Kept):
    """The same of ReduceLROnPlateau. The rate that it sets is a variable of the optimizer."""

    wait: int
    best: float | None
    cooldown_counter: int


class _Variable(_Kept):
    path: str
    shape: tuple[int, ...]
    dtype: str


class _State(_Kept):
    """What is not an array.

    Attributes:
        variables: of the network, then of the optimizer, in Keras's order.
        best_weights: how many there are of the epoch that EarlyStopping would restore.
    """

    format: Literal[2] = 2
    epoch: int
    ending: Ending | None
    initial_loss: float
    losses: tuple[float, ...]
    early_stopping: _EarlyStopping | None
    plateau: _Plateau | None
    measured: Measured | None = None
    variables: tuple[_Variable, ...]
    best_weights: int


class Resumed:
    """A training that stands where its checkpoint was written, but for its callbacks.

    Attributes:
        progress: how far it had come.
    """

    def __init__(self, state: _State, best: list[Array]) -> None:
        self._state = state
        self._best = best
        self.progress = Progress(
            position=Position(epoch=state.epoch, ending=state.ending),
            initial_loss=state.initial_loss,
            losses=state.losses,
            measured=state.measured,
        )

    def restore(self, callbacks: Callbacks) -> None:
        """Give callbacks their state back, after on_train_begin: that resets them."""
        stopping = _one(callbacks, keras.callbacks.EarlyStopping)
        plateau = _one(callbacks, keras.callbacks.ReduceLROnPlateau)
        pairs = ((stopping, self._state.early_stopping), (plateau, self._state.plateau))
        for callback, kept in pairs:
            for name, value in kept or ():
                setattr(callback, name, value)
        if stopping is not None:
            stopping.best_weights = self._best or None


def write(path: Path, network: keras.Model, callbacks: Callbacks, progress: Progress) -> None:
    """Write a checkpoint after an epoch; the file is there whole or not at all.

    No fsync: it is read by a process that is there already, which stores it durably. At most one
    variable at a time is copied, so it takes no memory to speak of.

    Raises:
        OSError: it could not be written, for want of room for example.
    """
    stopping = _one(callbacks, keras.callbacks.EarlyStopping)
    plateau = _one(callbacks, keras.callbacks.ReduceLROnPlateau)
    best = (stopping.best_weights if stopping is not None else None) or []
    variables = _variables(network)
    state = _State(
        epoch=progress.position.epoch,
        ending=progress.position.ending,
        initial_loss=progress.initial_loss,
        losses=progress.losses,
        early_stopping=None if stopping is None else _EarlyStopping.model_validate(stopping),
        plateau=None if plateau is None else _Plateau.model_validate(plateau),
        measured=progress.measured,
        variables=_described(variables),
        best_weights=len(best),
    )
    partial = path.with_suffix(".partial")
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            _put(archive, STATE, np.frombuffer(state.model_dump_json().encode(), dtype=np.uint8))
            for number, variable in enumerate(variables):
                _put(archive, f"variable{number}", keras.ops.convert_to_numpy(variable))
            for number, weight in enumerate(best):
                _put(archive, f"best{number}", weight)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def load(path: Path, network: keras.Model, callbacks: Callbacks) -> Resumed:
    """Set the variables of a network and its optimizer to those of a checkpoint.

    All of the file is read and compared before any variable changes.

    Args:
        path: of a file that claims to be one.
        network: compiled, its optimizer built; the same that the checkpoint is of.
        callbacks: of the same kinds as when it was written; not changed here, see Resumed.

    Raises:
        UnusableCheckpoint: it is none of this network and these callbacks; nothing has changed.
        UnreadCheckpoint: it cannot be read at the moment; nothing has changed.
        MemoryError: there is too little to read it. That is no fault of the file's, so it does not
            count as damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            state = _State.model_validate_json(_get(archive, STATE).tobytes())
            _check(state, network, callbacks)
            values = list(_arrays(archive, "variable", state.variables))
            weights = _described(network.weights)[: state.best_weights]
            best = list(_arrays(archive, "best", weights))
    except (UnusableCheckpoint, MemoryError):
        raise
    except Exception as error:  # a damaged file has a dozen kinds of exceptions to offer
        trouble = _trouble(error)
        if trouble is not None:
            raise UnreadCheckpoint(trouble) from error
        raise UnusableCheckpoint(f"{path.name} cannot be read: {error!r}") from error
    for variable, value in zip(_variables(network), values, strict=True):
        variable.assign(value)
    return Resumed(state, best)


def _trouble(error: BaseException | None) -> str | None:
    """What the system says, unless that, or what made it of that, is the file's own fault.

    Python's zipfile calls every file whose end it cannot read no zip file, whyever that is.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno not in _OF_THE_FILE:
            return error.strerror or type(error).__name__
        error = error.__context__
    return None


def _check(state: _State, network: keras.Model, callbacks: Callbacks) -> None:
    if state.variables != _described(_variables(network)):
        raise UnusableCheckpoint("It is of another network or optimizer.")
    if state.best_weights not in {0, len(network.weights)}:
        raise UnusableCheckpoint("It lacks some of the best weights.")
    kinds = (keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau)
    kept = (state.early_stopping, state.plateau)
    if [_one(callbacks, kind) is None for kind in kinds] != [each is None for each in kept]:
        raise UnusableCheckpoint("It is of a training with other callbacks.")
    if len(state.losses) != state.epoch:
        raise UnusableCheckpoint("It does not have one loss for every epoch.")


def _variables(network: keras.Model) -> list[keras.Variable]:
    """All there is to restore. Metrics and random layers begin anew with every epoch."""
    return [*network.weights, *network.optimizer.variables]


def _described(variables: Sequence[keras.Variable]) -> tuple[_Variable, ...]:
    return tuple(
        _Variable(path=_path(each), shape=tuple(each.shape), dtype=each.dtype) for each in variables
    )


def _path(variable: keras.Variable) -> str:
    """Its path; of one that has no name (Nadam has one) the same in every process.

    Keras numbers those by how many the process has made, so by what it trained before.
    """
    return re.sub(r"^variable_\d+$", "variable", variable.path)


def _one(callbacks: Callbacks, kind: type[Found]) -> Any:
    """The callback of a kind, of which there is one at most; Any, because Keras has no types."""
    return next((each for each in callbacks if isinstance(each, kind)), None)


def _put(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
        np.lib.format.write_array(entry, array, allow_pickle=False)


def _get(archive: zipfile.ZipFile, name: str) -> Array:
    """An entry, read to its end: only there is its checksum compared."""
    with archive.open(f"{name}.npy") as entry:
        array: Array = np.lib.format.read_array(entry, allow_pickle=False)
        if entry.read(1):
            raise UnusableCheckpoint(f"There is more in {name} than an array.")
        return array


def _arrays(
    archive: zipfile.ZipFile, prefix: str, described: Sequence[_Variable]
) -> Iterator[Array]:
    for number, expected in enumerate(described):
        array = _get(archive, f"{prefix}{number}")
        if (array.shape, array.dtype.name) != (expected.shape, expected.dtype):
            raise UnusableCheckpoint(f"The values of {expected.path} are of another shape or type.")
        yield array
