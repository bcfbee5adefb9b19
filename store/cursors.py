"""Opaque cursors for lists: where a page ended, in a form that nobody is tempted to build."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

from models.errors import BadCursor


def encode(place: str) -> str:
    """The cursor for a place in a list."""
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode(cursor: str) -> str:
    """The place of a cursor.

    Raises:
        BadCursor: it is not one of ours.
    """
    try:
        place = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
    except (UnicodeError, binascii.Error):
        place = ""
    if not place.isprintable() or encode(place) != cursor:
        raise BadCursor
    return place


def decode_number(cursor: str) -> int:
    """The place of a cursor, in a list of numbered things.

    Raises:
        BadCursor: it is not one of ours.
    """
    place = decode(cursor)
    if not (place.isdecimal() and place.isascii() and len(place) < 10):  # noqa: PLR2004 - 32 bits
        raise BadCursor
    return int(place)
