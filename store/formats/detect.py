"""Says what a file is from its content; a name is only a name.

Light on purpose: the API may ask before it accepts an upload.
"""

import codecs
import zipfile
from pathlib import Path
from typing import Literal

from models.errors import UnknownFormat, Unreadable

Format = Literal["csv", "npz"]

READABLE = (
    "Readable are: tables as text (CSV, TSV, any separator) and NumPy archives (NPZ with x and y, "
    "or x_train and y_train)."
)
# Enough of a file to tell text from anything else.
SAMPLE_BYTES = 1 << 16

_KNOWN_BUT_UNREAD = {
    b"\x1f\x8b": "a gzip file; unpack it first",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a single NumPy array; put x and y into one NPZ file",
    b"\xd0\xcf\x11\xe0": "an old Excel file; save the sheet as CSV",
    b"7z\xbc\xaf": "a 7z archive; unpack it first",
}
_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1a")


def detect(path: Path, filename: str = "") -> Format:
    """Tell the format of a file.

    Args:
        path: the file.
        filename: what its sender called it; only for the message.

    Raises:
        UnknownFormat: it is none of the formats that are read.
        Unreadable: it has no bytes.
    """
    with path.open("rb") as file:
        start = file.read(SAMPLE_BYTES)
    called = f"{filename!r}" if filename else "The file"
    if not start:
        raise Unreadable(f"{called} is empty: it has 0 bytes.")
    if start.startswith(b"PK\x03\x04"):
        return _archive(path, called)
    for magic, what in _KNOWN_BUT_UNREAD.items():
        if start.startswith(magic):
            raise UnknownFormat(f"{called} is {what}. {READABLE}")
    if start.startswith(_BYTE_ORDER_MARKS) or _is_text(start):
        return "csv"
    raise UnknownFormat(f"{called} is neither text nor a NumPy archive. {READABLE}")


def _archive(path: Path, called: str) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise Unreadable(f"{called} is a damaged archive: {error}.") from error
    if any(name.endswith(".npy") for name in names):
        return "npz"
    what = (
        "an Excel file; save the sheet as CSV"
        if "xl/workbook.xml" in names
        else "a ZIP archive without NumPy arrays"
    )
    raise UnknownFormat(f"{called} is {what}. {READABLE}")


def _is_text(start: bytes) -> bool:
    """No NUL, and hardly a control character: the same test that version-control tools apply."""
    controls = sum(byte < ord(" ") and byte not in _TEXT_CONTROLS for byte in start)
    return b"\0" not in start and controls <= len(start) // 1000
