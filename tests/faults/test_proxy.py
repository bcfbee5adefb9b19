"""The proxy that the fault tests trust: each of its harms is what it says."""

import gc
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from tests.servers.proxy import HOST, Direction, Proxy

# Longer than anything takes that is not held back: seconds.
SOON = 5.0
# Nothing comes within this time where nothing may come.
NEVER = 0.3
CUTS = 50


class Echo(socketserver.BaseRequestHandler):
    """Sends back what it gets."""

    request: socket.socket

    def handle(self) -> None:
        with suppress(ConnectionError):
            while data := self.request.recv(65536):
                self.request.sendall(data)


@pytest.fixture
def echo() -> Iterator[str]:
    """The URL of a server that says what it hears."""
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer((HOST, 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"echo://{HOST}:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: str) -> Iterator[Proxy]:
    with Proxy(echo) as proxy:
        yield proxy


def connected(proxy: Proxy) -> closing[socket.socket]:
    return closing(socket.create_connection((HOST, proxy.port), timeout=SOON))


def answered(client: socket.socket, question: bytes) -> bytes:
    client.sendall(question)
    return received(client, len(question))


def received(client: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = client.recv(size - len(found))
        if not piece:
            raise ConnectionError("the other end is gone")
        found += piece
    return found


def until_held(proxy: Proxy, connections: int) -> None:
    """The kernel connects a client before the proxy knows it."""
    deadline = time.monotonic() + SOON
    while proxy.connections < connections:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def silent(client: socket.socket) -> bool:
    client.settimeout(NEVER)
    try:
        return client.recv(1) is None
    except TimeoutError:
        return True
    finally:
        client.settimeout(SOON)


def test_it_forwards_what_both_sides_say_and_their_end(proxy: Proxy) -> None:
    long = bytes(range(256)) * 4096
    with connected(proxy) as client:
        sending = threading.Thread(target=client.sendall, args=(long,))
        sending.start()
        assert received(client, len(long)) == long
        sending.join()
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""


def test_a_cut_resets_what_is_connected_and_refuses_what_comes(proxy: Proxy) -> None:
    with connected(proxy) as client:
        assert answered(client, b"there?") == b"there?"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, proxy.port), timeout=SOON)
    proxy.restore()
    with connected(proxy) as client:
        assert answered(client, b"again?") == b"again?"
    assert proxy.connections <= 1


def test_a_cut_leaves_no_socket_behind_of_those_who_are_just_connecting(proxy: Proxy) -> None:
    over = threading.Event()

    def connect() -> None:
        while not over.is_set():
            with suppress(OSError), connected(proxy) as client:
                answered(client, b"there?")

    clients = [threading.Thread(target=connect) for _ in range(4)]
    for client in clients:
        client.start()
    for _ in range(CUTS):
        proxy.cut()
        proxy.restore()
        time.sleep(0.005)
    proxy.cut()
    over.set()
    for client in clients:
        client.join()
    assert proxy.connections == 0
    gc.collect()  # of a socket that was left, its warning would fail this test


def test_what_is_frozen_arrives_when_it_thaws(proxy: Proxy) -> None:
    with connected(proxy) as old:
        assert answered(old, b"there?") == b"there?"
        proxy.freeze()
        old.sendall(b"later")
        assert silent(old)
        with connected(proxy) as new:
            new.sendall(b"new")
            assert silent(new)
            proxy.restore()
            assert received(old, 5) == b"later"
            assert received(new, 3) == b"new"


def test_what_is_half_open_never_comes_back_but_its_successors_do(proxy: Proxy) -> None:
    with connected(proxy) as old:
        assert answered(old, b"there?") == b"there?"
        proxy.half_open()
        with connected(proxy) as accepted:
            until_held(proxy, 2)
            old.sendall(b"lost")
            accepted.sendall(b"lost")
            proxy.restore()
            assert silent(old)
            assert silent(accepted)
    with connected(proxy) as new:
        assert answered(new, b"there?") == b"there?"


def test_one_direction_can_be_held_alone(proxy: Proxy) -> None:
    with connected(proxy) as client:
        assert answered(client, b"there?") == b"there?"
        proxy.freeze({Direction.TO_CLIENT})
        client.sendall(b"heard")
        assert silent(client)
        proxy.restore()
        assert received(client, 5) == b"heard"


def test_slow_is_as_slow_as_asked_for(proxy: Proxy) -> None:
    with connected(proxy) as client:
        proxy.slow(seconds=0.1)
        begun = time.monotonic()
        assert answered(client, b"there?") == b"there?"
        assert 0.2 <= time.monotonic() - begun < SOON

        proxy.slow(bytes_per_second=100_000)
        begun = time.monotonic()
        assert answered(client, bytes(20_000)) == bytes(20_000)
        assert 0.2 <= time.monotonic() - begun < SOON


def test_a_server_that_is_away_ends_its_clients() -> None:
    with socket.socket() as nobody:
        nobody.bind((HOST, 0))
        with (
            Proxy(f"echo://{HOST}:{nobody.getsockname()[1]}") as proxy,
            pytest.raises(ConnectionResetError),
            connected(proxy) as client,
        ):
            client.recv(1)
