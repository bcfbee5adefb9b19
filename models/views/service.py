"""What the API says about the service itself."""

from models.views.base import Time, View


class WorkerView(View):
    """A worker process."""

    name: str
    kind: str
    device: str
    slots: int
    busy: int
    """Trials it holds at the moment."""
    host: str
    pid: int
    version: str
    started_at: Time
    heartbeat_at: Time
    alive: bool
    """Whether its heartbeat is younger than one lease."""


class QueueView(View):
    """What waits and what runs."""

    queued: int
    running: int
    cancelling: int
    waiting_for_data: int
    """Queued trials whose dataset is still being read."""
    oldest_queued_seconds: float | None
    slots: int
    """Of all train workers that are alive."""
    datasets_processing: int


class Health(View):
    """The process answers."""

    status: str
    version: str


class Check(View):
    """One part that the service needs."""

    ok: bool
    detail: str


class Readiness(View):
    """Whether every part that the service needs is there."""

    ready: bool
    checks: dict[str, Check]
