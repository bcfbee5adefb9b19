"""Which TCP ports are free. None is kept: between asking and binding another may take it."""

import contextlib
import socket


def is_free(host: str, port: int) -> bool:
    """Say whether a server could listen on `host` and `port` now."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        # As servers do: connections of an ended server that still linger do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError:
            return False
    return True


def any_free(host: str = "127.0.0.1") -> int:
    """Return a port that the kernel had free a moment ago."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port


def next_free(host: str, port: int, tries: int = 50) -> int:
    """Return the first free port from `port` upwards.

    Raises:
        OSError: none of `tries` ports is free.
    """
    for candidate in range(port, min(port + tries, 65536)):
        if is_free(host, candidate):
            return candidate
    raise OSError(f"no free port on {host} from {port} to {port + tries - 1}")
