"""Why a command cannot run: each is told in one line to a person who can mend it."""

from typing import ClassVar


class CannotRun(Exception):
    """The command cannot run; the message says why and, where that is known, what to do."""

    exit_code: ClassVar[int] = 1


class BadSettings(CannotRun):
    """A setting is missing or has a value that cannot be used."""

    exit_code = 2  # as for an unknown option


class PortTaken(CannotRun):
    """The API cannot listen where it should."""


class FolderTaken(CannotRun):
    """Another epochd works in this data folder."""


class NotReady(CannotRun):
    """The service did not come up; its log says why."""
