"""Wakes workers after a commit. A message carries no truth, so one that is lost is only late.

Whoever rings must never wait for a broker that is away: every step is bounded, and after a failure
nobody tries for a moment. The sweeper rings again for what nobody heard.
"""

import logging
import time
from enum import StrEnum

from kombu.exceptions import KombuError, LimitExceeded
from redis import Redis, RedisError

from models.errors import Unavailable
from models.specs.experiment import Device
from store import broker

log = logging.getLogger(__name__)

# One step of talking to the broker may take this long. A request waits for at most two, and is to
# be answered within a second; a worker is in no such hurry, and rings also where the way is slow.
STEP_SECONDS = 0.3
WORKER_STEP_SECONDS = 2.0
# After a failure the next requests do not even try, or each of them would wait.
QUIET_SECONDS = 2.0

_AWAY = (KombuError, LimitExceeded, RedisError, OSError)


class Task(StrEnum):
    """What a control worker can be woken for."""

    INGEST = broker.INGEST
    ADVANCE = broker.ADVANCE


class Doorbell:
    """Rings at the queues of one broker; to be shared by all threads of a process.

    Args:
        broker_url: of a Redis or a Valkey.
        step_seconds: how long one step of talking to it may take.
    """

    def __init__(self, broker_url: str, *, step_seconds: float = STEP_SECONDS) -> None:
        bounds = {"socket_timeout": step_seconds, "socket_connect_timeout": step_seconds}
        transport: dict[str, object] = {**bounds, "socket_keepalive": True, "max_retries": 0}
        self._app = broker.celery_app(
            broker_url, transport=transport, pool_acquire_seconds=step_seconds
        )
        self._redis = Redis.from_url(broker_url, **bounds)
        self._quiet_until = 0.0

    def ring_train(self, device: Device, count: int = 1) -> bool:
        """Wake workers for so many trials; False when the broker is away."""
        queue = broker.TRAIN_QUEUES[device]
        return all(self._send(broker.TRAIN, queue, ()) for _ in range(count))

    def ring_control(self, task: Task, subject: str) -> bool:
        """Wake a control worker for a dataset or an experiment; False when the broker is away."""
        return self._send(task, broker.CONTROL_QUEUE, (subject,))

    def ping(self) -> None:
        """Ask the broker for a sign of life.

        Raises:
            Unavailable: there is none.
        """
        try:
            self._redis.ping()
        except (RedisError, OSError) as error:
            raise Unavailable("The message broker cannot be reached at the moment.") from error

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()
        self._app.close()

    def _send(self, task: str, queue: str, arguments: tuple[str, ...]) -> bool:
        if time.monotonic() < self._quiet_until:
            return False
        try:
            self._app.send_task(task, arguments, queue=queue, retry=False, ignore_result=True)
        except _AWAY as error:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            log.warning("The broker is away, so %s was not rung: %s", task, error)
            return False
        return True
