"""The tasks that the doorbell's messages name. They carry no truth, only who should look where.

Anybody who reaches the broker can send anything, so a message that makes no sense is said in one
line of the log, and what a message leads to cannot end a worker.
"""

import logging
from collections.abc import Callable

from celery import Celery

from models.errors import EpochdError
from store import broker

log = logging.getLogger(__name__)


def register_training(app: Celery, work: Callable[[], None]) -> None:
    """Answer "there are trials to train"."""

    @app.task(name=broker.TRAIN)  # type: ignore[untyped-decorator]
    def train(*arguments: object, **named: object) -> None:
        del arguments, named
        work()


def register_control(
    app: Celery, *, read: Callable[[str], None], advance: Callable[[str], None]
) -> None:
    """Answer "this dataset is to be read" and "this experiment may be over"."""

    @app.task(name=broker.INGEST)  # type: ignore[untyped-decorator]
    def ingest(*arguments: object, **named: object) -> None:
        _obey(read, broker.INGEST, arguments, named)

    @app.task(name=broker.ADVANCE)  # type: ignore[untyped-decorator]
    def take_a_step(*arguments: object, **named: object) -> None:
        _obey(advance, broker.ADVANCE, arguments, named)


def _obey(
    verb: Callable[[str], None], task: str, arguments: tuple[object, ...], named: dict[str, object]
) -> None:
    match arguments:
        case (str(subject),) if not named:
            try:
                verb(subject)
            except EpochdError as error:  # the sweeper rings again where that makes sense
                log.warning("%s for %.80r came to nothing: %s", task, subject, error)
        case _:
            log.warning("a message for %s is none of ours: %.200r %.200r", task, arguments, named)
