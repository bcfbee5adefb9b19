"""Where the log of the embedded service goes: one line at a time, each saying whose it is."""

import threading
from typing import IO, TextIO


class Output:
    """Writes whole lines of many processes to one stream.

    Args:
        stream: a terminal or a file.
        width: of the column with the names.
    """

    def __init__(self, stream: TextIO, width: int = 14) -> None:
        self._stream = stream
        self._width = width
        self._lock = threading.Lock()

    def write(self, name: str, line: str) -> None:
        """Write one line of the process `name`."""
        with self._lock:
            self._stream.write(f"{name:<{self._width}}| {line}\n")
            self._stream.flush()

    def follow(self, name: str, pipe: IO[bytes]) -> None:
        """Write what comes through `pipe` until it closes, from a thread of its own."""

        def pump() -> None:
            with pipe:
                for line in pipe:
                    self.write(name, line.decode(errors="replace").rstrip())

        threading.Thread(target=pump, name=f"output of {name}", daemon=True).start()
