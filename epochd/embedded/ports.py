"""A free TCP port for a server that opens its own socket."""

import socket


def any_free(host: str = "127.0.0.1") -> int:
    """Return a port that was free a moment ago; another program may take it before you do."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port
