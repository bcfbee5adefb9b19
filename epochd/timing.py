"""Where settings become the figures that workers, and the sweeper in every API, go by."""

from epochd.settings import Settings
from worker.timing import Timing


def timing(settings: Settings) -> Timing:
    """How long workers and sweepers wait for what."""
    return Timing(
        lease=settings.lease_seconds,
        beat=settings.heartbeat_seconds,
        checkpoint=settings.checkpoint_seconds,
        hang=settings.hang_seconds,
        drain=settings.drain_seconds,
        sweep=settings.sweep_seconds,
        report=settings.heartbeat_seconds,
    )
