"""A port on which servers of the tests come and go, and which nobody else is given meanwhile."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

HOST = "127.0.0.1"


@contextmanager
def kept_port() -> Iterator[int]:
    """Keep a free port for as long as the context lasts.

    It is bound without listening: whoever asks the kernel for any port gets another, and a server
    that may reuse addresses, as all do, can listen on it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind((HOST, 0))
        yield keeper.getsockname()[1]
