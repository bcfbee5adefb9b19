"""The socket that the API answers on, opened here and inherited by the API's process.

Whether a port is free is known for certain only by taking it. And while an API that died is started
again, its clients wait in the socket's backlog instead of being refused.
"""

import errno
import socket

from epochd.errors import PortTaken

BACKLOG_CONNECTIONS = 2048


def listen(host: str, port: int) -> socket.socket:
    """Listen on `host` and `port`; port 0 takes any.

    Raises:
        PortTaken: that is not possible; the message says what would be.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise PortTaken(f"cannot listen on {host}: {error.strerror}") from error
    try:
        # As servers do: connections of an ended server that still linger do not count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG_CONNECTIONS)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"port {port} of {host} is taken by another program;"
                f" choose another one, such as --port {port + 1}"
            ) from error
        raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def listen_from(host: str, port: int, tries: int = 50) -> socket.socket:
    """Listen on the first free port from `port` upwards.

    Raises:
        PortTaken: none of `tries` ports is free.
    """
    for candidate in range(port, min(port + tries, 65535)):
        try:
            return listen(host, candidate)
        except PortTaken:
            continue
    raise PortTaken(f"no port of {host} from {port} to {port + tries - 1} is free")


def address(listener: socket.socket) -> str:
    """The base URL under which a client on this machine reaches it."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared with, not bound to
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
