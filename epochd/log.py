"""How every process of ours logs: one line a record to standard error, times in UTC."""

import logging
import time

# They tell of every request and connection at INFO; that is for those who look for a fault there.
TALKATIVE = (
    *("alembic", "httpcore", "httpx", "kombu", "uvicorn.access"),
    *("celery.app.trace", "celery.worker.strategy"),  # rings that find no work are many
)


def log_to_stderr(level: str) -> None:
    """Set up logging for this process."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s")
    formatter.datefmt = "%Y-%m-%dT%H:%M:%S"
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if level != "DEBUG":
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
