"""Finds the character encoding of a text file, so that no table is read as gibberish.

One pass over all bytes, because the one accented letter may stand in the last line.
"""

import codecs
from pathlib import Path

from models.errors import Unreadable

# Bytes read at a time; the file itself may be larger than memory.
CHUNK_BYTES = 1 << 20


def encoding_of(path: Path) -> str:
    """The codec that reads the file: a byte order mark decides, else UTF-8 when valid, else cp1252.

    cp1252 is what Windows programs write in Western Europe and America; it agrees with Latin-1 on
    every printable character. The five bytes that it leaves open are read as Latin-1.

    Raises:
        Unreadable: the text holds NUL characters (with the line), so it is not text at all.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _checked(path, "utf-16")
    try:
        return _checked(path, "utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return _checked(path, "cp1252")
    except UnicodeDecodeError:
        return _checked(path, "latin-1")


def _checked(path: Path, encoding: str) -> str:
    """Decode everything once.

    Raises:
        UnicodeDecodeError: the bytes are not of this encoding.
        Unreadable: UTF-16 that is cut off, or a NUL character.
    """
    line = 1
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK_BYTES)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError:
                if encoding != "utf-16":
                    raise
                raise Unreadable("The UTF-16 text is damaged.", line=line) from None
            nul = text.find("\0")
            if nul >= 0:
                line += text.count("\n", 0, nul)
                raise Unreadable("The text holds a NUL character; it is not a table.", line=line)
            if not chunk:
                return encoding
            line += text.count("\n")
