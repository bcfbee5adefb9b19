"""Runs a Celery worker in this process, from its start to its end by a signal."""

import logging
import signal
import threading
import warnings
from collections.abc import Sequence
from typing import Any

from celery import Celery, signals
from celery.platforms import SecurityWarning
from kombu.connection import Connection
from kombu.transport import redis

from store import broker
from worker.pool import WakingThreads

# Kombu waits 2 s longer after each attempt, up to half a minute, and Celery has no setting for it.
RECONNECT = {"interval_start": 0.5, "interval_step": 0.5, "interval_max": 2.0}


class _Channel(redis.Channel):
    """Acknowledges nothing: messages are gone from their queue when they are taken.

    Kombu sends an acknowledgement of those as well, and keeps it for ever.
    """

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:  # noqa: FBT001, FBT002
        """Do nothing."""


class _Transport(redis.Transport):
    """Redis, with our channel."""

    Channel = _Channel


class PersistentConnection(Connection):
    """Is back within seconds of the broker, however long that was away."""

    def get_transport_cls(self) -> type[_Transport]:
        """The only transport there is: settings take no URL of another."""
        return _Transport

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        """Try to connect until it works, as Kombu does, but without ever longer pauses."""
        return super().ensure_connection(*args, **RECONNECT | kwargs)  # type: ignore[no-untyped-call]


def app(broker_url: str) -> Celery:
    """The application of a worker; its tasks are registered by `worker.tasks`."""
    celery = broker.celery_app(broker_url)
    celery.amqp.Connection = PersistentConnection
    # Remote control by broadcast is a second way to command workers; nobody here uses it.
    celery.conf.worker_enable_remote_control = False
    return celery


def serve(
    celery: Celery, *, name: str, queues: Sequence[str], slots: int, drain: threading.Event
) -> int:
    """Answer the queues until SIGTERM or SIGINT, then wait for the tasks to hand back their work.

    Args:
        celery: with its tasks registered.
        name: of this worker, unique.
        queues: to be answered.
        slots: tasks at the same time, a thread each.
        drain: set by the first signal; tasks heed it.

    Returns:
        The exit status.
    """
    # Celery warns of root because pickled messages could run anything; ours are JSON alone.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    # The entry point has set up logging; Celery must not do it again.
    signals.setup_logging.connect(_leave_logging_alone)
    # Two lines a message, though it says nothing; what comes of it is said by whoever does it.
    for name_of_logger in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name_of_logger).setLevel(logging.WARNING)

    def heed(**_: object) -> None:
        drain.set()

    signals.worker_shutting_down.connect(heed)
    signals.worker_ready.connect(_let_ctrl_c_drain)
    worker = celery.Worker(
        hostname=name,
        pool=WakingThreads,
        concurrency=slots,
        queues=list(queues),
        without_gossip=True,
        without_heartbeat=True,
        without_mingle=True,
        redirect_stdouts=False,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _let_ctrl_c_drain(**_: object) -> None:
    """Treat SIGINT as SIGTERM: Celery's second Ctrl-C wants to end threads, which cannot be."""
    signal.signal(signal.SIGINT, signal.getsignal(signal.SIGTERM))


def _leave_logging_alone(**_: object) -> None:
    """A receiver of `setup_logging` keeps Celery from setting up its own."""
