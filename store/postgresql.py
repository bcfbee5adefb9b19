"""PostgreSQL's own manners: what a connection is asked for, and how long anything may take.

libpq waits for ever for an answer that was lost on the way: keepalives only show that the next
gateway is alive. So every wait ends on the client's side too.
"""

import time
from typing import Any

from psycopg import Connection, Error, OperationalError
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

# Everything here is a matter of milliseconds, so whatever takes longer than this is stuck. All of
# it together stays well below a lease: a beat that hangs on a lost connection has to be repeated
# before that runs out.
_SETTINGS = {
    "timezone": "UTC",
    "default_transaction_isolation": "read\\ committed",
    "lock_timeout": "10s",
    "statement_timeout": "15s",
    # The transaction of a client that is gone holds locks that living ones wait for.
    "idle_in_transaction_session_timeout": "10s",
    # The server's own default is two hours.
    "tcp_keepalives_idle": "30s",
    "tcp_keepalives_interval": "10s",
    "tcp_keepalives_count": "3",
}
ANSWER_SECONDS = 20.0
"""An answer takes no longer: the server gives up on a statement before."""
PING_SECONDS = 3.0
"""The sign of life that is asked of a pooled connection comes at once, or never."""
QUIET_SECONDS = 1.0
"""After a failure to connect nobody tries for so long: all would wait for the same end."""

DRIVER = "postgresql+psycopg"
CONNECT: dict[str, object] = {
    "connect_timeout": 3,
    "application_name": "epochd",
    "options": " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items()),
    # A connection whose other end is gone is noticed within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
SNAPSHOT: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class BoundedConnection(Connection):
    """A connection that is closed when an answer takes longer than its patience.

    Attributes:
        patience: seconds for one exchange with the server; None is for ever.
    """

    patience: float | None = None

    def __del__(self) -> None:  # type: ignore[override] # psycopg hands in what it warns with
        """Close what came back to a pool that was disposed of meanwhile: nobody else would."""
        if hasattr(self, "pgconn"):
            self.pgconn.finish()

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """As psycopg does, which can bound a wait but does so for cancelling alone.

        Raises:
            OperationalError: the answer did not come; or what the server said.
        """
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # the answer may still come, and would be taken for the next
            raise


class _Opening:
    """Opens an engine's connections, and looks whether pooled ones still live.

    SQLAlchemy's own look would wait as long as any statement may take.
    """

    def __init__(self, patience: float | None) -> None:
        self._patience = patience
        self._quiet_until = 0.0

    def connect(
        self, dialect: object, record: object, arguments: list[Any], options: dict[str, Any]
    ) -> BoundedConnection:
        del dialect, record
        if time.monotonic() < self._quiet_until:
            raise OperationalError("there was no connection a moment ago")
        try:
            connection = BoundedConnection.connect(*arguments, **options)
        except OperationalError:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            raise
        connection.patience = self._patience
        return connection

    def look(self, connection: BoundedConnection, record: object, proxied: object) -> None:
        del record, proxied
        connection.patience = PING_SECONDS
        try:
            connection.autocommit = True  # no transaction for this
            connection.execute("SELECT 1")
            connection.autocommit = False
        except Error as error:
            raise InvalidatePoolError from error  # the others have come the same way
        connection.patience = self._patience


def prepare(engine: Engine, patience: float | None) -> None:
    """Bound what the engine's connections wait for, and look at each that leaves the pool."""
    opening = _Opening(patience)
    event.listen(engine, "do_connect", opening.connect)
    event.listen(engine, "checkout", opening.look)
