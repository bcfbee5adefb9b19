"""The Celery application as both sides of the broker see it: who rings and who is woken.

Only settings; no tasks are known here, so ringing imports nothing that trains.
"""

from celery import Celery
from kombu.entity import Queue

from models.specs.experiment import Device

CONTROL_QUEUE = "control"
TRAIN_QUEUES = {Device.ANY: "train", Device.CPU: "train.cpu", Device.GPU: "train.gpu"}

TRAIN = "epochd.train"
INGEST = "epochd.ingest"
ADVANCE = "epochd.advance"

# Of a worker, which waits for messages for hours: seconds. It asks for the next message once a
# second. A connection that was forgotten on the way is noticed when the answer is overdue by one to
# two health checks, and another in its pool by one socket timeout: 10 s in all, so that what is
# queued runs within 15 s. With Celery's usual figures it takes 30 s and more.
TRANSPORT: dict[str, object] = {
    "socket_timeout": 3,
    "socket_connect_timeout": 3,
    "health_check_interval": 3,
    "socket_keepalive": True,
}
POOL_ACQUIRE_SECONDS = 5


def celery_app(
    broker_url: str,
    *,
    transport: dict[str, object] | None = None,
    pool_acquire_seconds: float = POOL_ACQUIRE_SECONDS,
) -> Celery:
    """An application for this broker: JSON messages that nobody acknowledges, and no results."""
    app = Celery("epochd", broker=broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_acks_late=False,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_create_missing_queues=False,
        task_default_queue=CONTROL_QUEUE,
        task_queues=[_queue(name) for name in (CONTROL_QUEUE, *TRAIN_QUEUES.values())],
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_pool_acquire_timeout=pool_acquire_seconds,
        broker_transport_options=transport or TRANSPORT,
    )
    return app


def _queue(name: str) -> Queue:
    """A queue whose messages are gone when they are taken; the sweeper rings for what that loses.

    An acknowledgement that fails, as the connection breaks right then, would leave a worker that
    counts the message as under way for ever, and takes no other.
    """
    return Queue(name, no_ack=True)  # type: ignore[no-untyped-call] # kombu annotates little
