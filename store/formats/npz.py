"""Reads NumPy archives without ever unpickling, and without trusting the sizes they claim.

Arrays go from the archive to disk in pieces and are looked at through memory maps, so they may be
larger than memory.
"""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from models.errors import Unreadable

Array = npt.NDArray[np.generic]

# What may come out of one archive, however small it is packed (a "zip bomb" packs 1000 to 1).
MAX_UNPACKED_BYTES = 8 << 30
# Rows that are looked at together, by their size in memory.
CHUNK_BYTES = 64 << 20

# Whatever reading an archive raises when its bytes are not what they should be.
DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError)

_NAMES = (("x", "y", None, None), ("x_train", "y_train", "x_test", "y_test"))
_X_KINDS = "biuf"
_Y_KINDS = "biufUS"


@dataclass(frozen=True, slots=True)
class Arrays:
    """x and y of equal length, and perhaps rows kept apart for a last test.

    Attributes:
        x: numbers, (rows, ...), at least two dimensions.
        y: numbers or text, (rows,) or, for several numbers a row, (rows, k).
        x_test, y_test: the same for the test rows; None without any.
    """

    x: Array
    y: Array
    x_test: Array | None = None
    y_test: Array | None = None


def read_npz(path: Path, scratch: Path, *, max_bytes: int = MAX_UNPACKED_BYTES) -> Arrays:
    """Open an archive with x and y, or x_train and y_train (and x_test and y_test).

    Args:
        path: the archive.
        scratch: an existing folder for the unpacked arrays; they are mapped from there, so it must
            outlive them.
        max_bytes: refuse to unpack more than this.

    Raises:
        Unreadable: damaged, too large, pickled objects, arrays missing or of unequal length, or
            numbers that are not finite.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = _unpacked(archive, scratch, max_bytes)
    except DAMAGE as error:
        raise Unreadable(f"The archive is damaged: {error}.") from error
    arrays = _chosen(unpacked)
    return Arrays(
        *_pair(arrays.x, arrays.y, "x", "y"),
        *(
            _pair(arrays.x_test, arrays.y_test, "x_test", "y_test", like=arrays)
            if arrays.x_test is not None and arrays.y_test is not None
            else (None, None)
        ),
    )


def chunks(array: Array) -> Iterator[Array]:
    """The rows in pieces of about CHUNK_BYTES."""
    row_bytes = max(1, array.nbytes // max(1, len(array)))
    step = max(1, CHUNK_BYTES // row_bytes)
    for start in range(0, len(array), step):
        yield array[start : start + step]


def _unpacked(archive: zipfile.ZipFile, scratch: Path, max_bytes: int) -> dict[str, Array]:
    wanted = {f"{name}.npy": name for names in _NAMES for name in names if name is not None}
    members = [info for info in archive.infolist() if info.filename in wanted]
    if not members:
        held = ", ".join(sorted(archive.namelist())[:10])
        raise Unreadable(
            f"The archive holds {held}; name its arrays x and y, or x_train and y_train."
        )
    if any(member.flag_bits & 1 for member in members):
        raise Unreadable("The archive is encrypted.")
    size = sum(member.file_size for member in members)
    if size > max_bytes:
        raise Unreadable(
            f"The arrays take {size / 1e9:.1f} GB unpacked; {max_bytes / 1e9:.1f} GB is the most."
        )
    arrays = {}
    for member in members:
        name = wanted[member.filename]
        with archive.open(member) as packed:
            arrays[name] = _mapped(packed, member.file_size, scratch / member.filename, name)
    return arrays


def _mapped(packed: IO[bytes], size: int, path: Path, name: str) -> Array:
    """Unpack one array to a file of its own and map it.

    Only as many bytes are written as the archive declared; `mmap_mode` then refuses pickles and a
    header whose shape is not what follows it.
    """
    with path.open("wb") as file:
        left = size
        while left > 0 and (piece := packed.read(min(left, CHUNK_BYTES))):
            file.write(piece)
            left -= len(piece)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, TypeError, OverflowError) as error:
        if "object" in str(error).lower():
            raise Unreadable(
                f"{name} holds Python objects; they are not read because unpickling runs code. "
                "Save it with a numeric or text dtype."
            ) from None
        raise Unreadable(f"{name} is damaged: {error}.") from error
    return np.asarray(array)


def _chosen(arrays: dict[str, Array]) -> Arrays:
    for x, y, x_test, y_test in _NAMES:
        if x in arrays and y in arrays:
            apart = arrays.get(x_test or ""), arrays.get(y_test or "")
            if (apart[0] is None) != (apart[1] is None):
                raise Unreadable("x_test and y_test go together; one of them is missing.")
            return Arrays(arrays[x], arrays[y], *apart)
    held = ", ".join(arrays)
    raise Unreadable(f"The archive holds {held}; both x and y (or x_train and y_train) are needed.")


def _pair(
    x: Array, y: Array, x_name: str, y_name: str, like: Arrays | None = None
) -> tuple[Array, Array]:
    """Two arrays checked against each other, in this machine's byte order, y without empty axes."""
    if x.dtype.kind not in _X_KINDS:
        raise Unreadable(f"{x_name} holds {x.dtype}; numbers are needed.")
    if y.dtype.kind not in _Y_KINDS:
        raise Unreadable(f"{y_name} holds {y.dtype}; numbers or text are needed.")
    if x.ndim < 2 or 0 in x.shape:  # noqa: PLR2004 -- rows, and at least one value in each
        raise Unreadable(
            f"{x_name} has the shape {x.shape}; the first axis counts rows and at least one more "
            "holds their values: use (rows, 1) for a single value."
        )
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y  # noqa: PLR2004
    if y.ndim not in (1, 2) or 0 in y.shape:
        raise Unreadable(f"{y_name} has the shape {y.shape}; (rows,) or (rows, k) is needed.")
    if len(x) != len(y):
        raise Unreadable(f"{x_name} has {len(x)} rows, but {y_name} has {len(y)}.")
    if like is not None and x.shape[1:] != like.x.shape[1:]:
        raise Unreadable(f"A row of {x_name} has the shape {x.shape[1:]}, not {like.x.shape[1:]}.")
    return _native(x, x_name), _labels(_native(y, y_name))


def _native(array: Array, name: str) -> Array:
    """The same values in this machine's byte order; every number fits a finite 32-bit float."""
    if array.dtype.kind == "S":
        try:
            return np.char.decode(array.astype(np.bytes_), "utf-8")
        except UnicodeDecodeError:
            raise Unreadable(f"{name} holds bytes that are not UTF-8 text.") from None
    if array.dtype.kind == "U" and any("\0" in text for text in np.unique(array).tolist()):
        raise Unreadable(f"{name} holds text with a NUL character.")
    if array.dtype.kind == "f":
        first = 0
        for piece in chunks(array):
            with np.errstate(over="ignore"):
                finite = np.isfinite(piece.astype(np.float32))
            if not finite.all():
                row = first + int(np.argwhere(~finite)[0][0])
                raise Unreadable(
                    f"{name} holds a value in row {row} that is not a finite 32-bit number; "
                    "missing values in arrays are not filled in."
                )
            first += len(piece)
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _labels(y: Array) -> Array:
    """One-hot rows become the index of their one; everything else stays as it is."""
    if y.ndim == 1 or y.dtype.kind not in "iuf":
        return y
    one_hot = bool(np.isin(y, (0, 1)).all()) and bool((y.sum(axis=1) == 1).all())
    return np.argmax(y, axis=1) if one_hot else y
