"""A wire to a supervisor who never asks for a stop, and of whom a test has all reports."""

from worker.messages import Epochs, Message
from worker.trainer.wire import Wire


class Heard(Wire):
    """Nobody asks to stop, and what is reported is kept."""

    def __init__(self) -> None:
        self.reports: list[Message] = []
        self.pruned = False

    def check(self) -> None:
        """Go on."""

    def send(self, message: Message) -> None:
        """Keep it."""
        self.reports.append(message)

    def metrics(self) -> list[dict[str, float]]:
        """Those of all epochs."""
        rows = [row for each in self.reports if isinstance(each, Epochs) for row in each.rows]
        return [dict(row.metrics) for row in rows]
