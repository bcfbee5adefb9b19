"""Stands between clients and a real server of this machine, and makes the network between them bad.

It forwards bytes and knows no protocol. Its event loop runs in a thread of its own, so that a test
may block while its connections go on, or do not.
"""

import asyncio
import math
import socket
import struct
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import parse_qs, urlsplit, urlunsplit

HOST = "127.0.0.1"
CHUNK_BYTES = 64 * 1024
BACKLOG_CONNECTIONS = 100
POSTGRESQL_PORT = 5432
# A closed socket with this linger sends a reset instead of an orderly end.
RESET = struct.pack("ii", 1, 0)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Result = TypeVar("Result")


class Direction(Enum):
    """A connection's two halves."""

    TO_SERVER = auto()
    TO_CLIENT = auto()


BOTH = frozenset(Direction)


@dataclass(eq=False)
class _Link:
    """A client's connection, and the one to the server on its behalf.

    Attributes:
        gates: bytes pass while the gate of their direction is open.
        dead: gates that are closed stay closed.
    """

    client: socket.socket
    gates: dict[Direction, asyncio.Event] = field(
        default_factory=lambda: {direction: asyncio.Event() for direction in Direction}
    )
    dead: bool = False
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def close_gates(self, directions: Collection[Direction], *, dead: bool) -> None:
        self.dead = self.dead or (dead and bool(directions))
        for direction in Direction:
            if direction in directions:
                self.gates[direction].clear()
            elif not self.dead:
                self.gates[direction].set()

    def reset(self) -> None:
        for writer in self.writers:
            _linger(writer.get_extra_info("socket"))
            writer.transport.abort()
        if not self.writers:  # it was cut before anything was read from it
            _linger(self.client)
            self.client.close()


class Proxy:
    """A server's double address, where connections can be harmed. A context manager.

    Args:
        url: of the real server, as SQLAlchemy and Redis clients take it; PostgreSQL's socket in a
            folder ("?host=/folder") included.

    Attributes:
        url: the same, through the proxy.
    """

    def __init__(self, url: str) -> None:
        self._target, self._socket_file = _target(url)
        self._listener = _bound(0)
        self.port: int = self._listener.getsockname()[1]
        self.url = _readdressed(url, self.port)
        self._listening = False
        self._links: dict[_Link, asyncio.Task[None]] = {}
        self._closed: frozenset[Direction] = frozenset()
        self._deadly = False
        self._pause_seconds = 0.0
        self._bytes_per_second = math.inf
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name=f"proxy {self.port}", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        self.restore()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._listener.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return self._call(lambda: len(self._links))

    def cut(self) -> None:
        """Reset all connections and refuse new ones, as if the server's machine rebooted."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    def freeze(self, directions: Collection[Direction] = BOTH) -> None:
        """Hold every byte until `restore`; new connections are accepted, and held as well.

        Each end of a connection keeps its kernel's word that the other is alive.
        """
        self._call(lambda: self._close_gates(directions, deadly=False))

    def half_open(self, directions: Collection[Direction] = BOTH) -> None:
        """As `freeze`, but the connections of this time never come back, also not by `restore`.

        So does a NAT gateway that forgot them. Connections made after `restore` work.
        """
        self._call(lambda: self._close_gates(directions, deadly=True))

    def slow(self, *, seconds: float = 0.0, bytes_per_second: float = math.inf) -> None:
        """Delay every piece of data, in both directions, from now on.

        Args:
            seconds: of delay for each piece that arrives by itself, up to 64 KiB.
            bytes_per_second: of each connection and direction.
        """

        def begin() -> None:
            self._pause_seconds, self._bytes_per_second = seconds, bytes_per_second

        self._call(begin)

    def restore(self) -> None:
        """Accept connections and forward everything at once again."""
        asyncio.run_coroutine_threadsafe(self._restore(), self._loop).result()

    def _call(self, action: Callable[[], Result]) -> Result:
        async def act() -> Result:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result()

    async def _cut(self) -> None:
        if self._listening:
            self._listening = False
            self._loop.remove_reader(self._listener)
            self._listener.close()
            # Bound without listening, the port is kept from others, and refuses.
            self._listener = _bound(self.port)
        links = dict(self._links)
        for task in links.values():
            task.cancel()
        await asyncio.gather(*links.values(), return_exceptions=True)
        for link in links:  # a task that never began has tidied nothing up
            self._end(link)

    async def _restore(self) -> None:
        self._pause_seconds, self._bytes_per_second = 0.0, math.inf
        self._close_gates(frozenset(), deadly=False)
        if not self._listening:
            self._listening = True
            self._listener.listen(BACKLOG_CONNECTIONS)
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Take a connection, which `cut` knows from then on.

        asyncio's own server knows it only some turns of its loop later, and leaks it when it is
        closed in between.
        """
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # the client thought better of it
            return
        client.setblocking(False)
        link = _Link(client)
        link.close_gates(self._closed, dead=self._deadly)
        self._links[link] = self._loop.create_task(self._serve(link))

    def _close_gates(self, directions: Collection[Direction], *, deadly: bool) -> None:
        self._closed, self._deadly = frozenset(directions), deadly
        for link in self._links:
            link.close_gates(directions, dead=deadly)

    async def _serve(self, link: _Link) -> None:
        try:
            reader, writer = await asyncio.open_connection(sock=link.client)
            link.writers.append(writer)
            await self._forward(link, reader, writer)
        except* (OSError, asyncio.CancelledError):  # an end is gone, or `cut`: so is the other
            pass
        finally:
            self._end(link)

    def _end(self, link: _Link) -> None:
        if self._links.pop(link, None):
            link.reset()

    async def _forward(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await link.gates[Direction.TO_SERVER].wait()
        dialing = asyncio.create_task(self._dial())
        try:
            server_reader, server_writer = await asyncio.shield(dialing)
        finally:  # whatever was opened has to be closed, also when this is cancelled meanwhile
            link.writers.append((await dialing)[1])
        async with asyncio.TaskGroup() as pumps:
            pumps.create_task(self._pump(reader, server_writer, link.gates[Direction.TO_SERVER]))
            pumps.create_task(self._pump(server_reader, writer, link.gates[Direction.TO_CLIENT]))

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if delay := self._pause_seconds + len(data) / self._bytes_per_second:
                await asyncio.sleep(delay)
            await gate.wait()
            writer.write(data)
            await writer.drain()
        await gate.wait()
        writer.write_eof()

    async def _dial(self) -> Streams:
        if self._socket_file is not None:
            return await asyncio.open_unix_connection(self._socket_file)
        return await asyncio.open_connection(*self._target)


def _linger(end: socket.socket) -> None:
    with suppress(OSError):  # the other end may be gone
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setblocking(False)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    return bound


def _target(url: str) -> tuple[tuple[str, int], Path | None]:
    """Where the server of a URL listens: an address, or a socket file."""
    parts = urlsplit(url)
    folder = parse_qs(parts.query).get("host")
    if folder:
        return (HOST, 0), Path(folder[0]) / f".s.PGSQL.{parts.port or POSTGRESQL_PORT}"
    assert parts.port is not None, f"{url} names no port"
    return (parts.hostname or HOST, parts.port), None


def _readdressed(url: str, port: int) -> str:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{HOST}:{port}", query=""))
