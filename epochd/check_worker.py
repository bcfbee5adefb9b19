"""`epochd worker --check`: the health check of a worker's container. It loads no worker."""

import socket

from epochd.settings import Settings
from store import workers
from store.database import Database


def is_alive(kind: str, settings: Settings) -> bool:
    """Say whether a worker of this kind on this host has given a sign of life lately.

    Raises:
        Unavailable: the database cannot be reached.
    """
    database = Database(settings.database)
    try:
        with database.snapshot() as tx:
            known = workers.page(tx, settings.lease_seconds)
    finally:
        database.dispose()
    return any(it.alive and it.kind == kind and it.host == socket.gethostname() for it in known)
