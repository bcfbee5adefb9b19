"""The tasks that the doorbell's messages name. They carry no truth, only who should look where."""

from collections.abc import Callable

from celery import Celery

from store import broker


def register_training(app: Celery, work: Callable[[], None]) -> None:
    """Answer "there are trials to train"."""

    @app.task(name=broker.TRAIN)  # type: ignore[untyped-decorator]
    def train() -> None:
        work()


def register_control(
    app: Celery, *, read: Callable[[str], None], advance: Callable[[str], None]
) -> None:
    """Answer "this dataset is to be read" and "this experiment may be over"."""

    @app.task(name=broker.INGEST)  # type: ignore[untyped-decorator]
    def ingest(dataset_id: str) -> None:
        read(dataset_id)

    @app.task(name=broker.ADVANCE)  # type: ignore[untyped-decorator]
    def take_a_step(experiment_id: str) -> None:
        advance(experiment_id)
