"""What happens around batches and epochs: reports and checkpoints go out, a stop comes in.

The loop calls it and knows nothing of pipes and files; this knows nothing of networks.
"""

import math
import time

from worker.messages import Epoch, Epochs, Pulse
from worker.trainer.checkpoint import Progress
from worker.trainer.checkpointing import Checkpointer
from worker.trainer.loop import Position
from worker.trainer.wire import Wire

PULSE_SECONDS = 1.0


class Hooks:
    """The hooks that a loop is given.

    Args:
        wire: to the supervisor.
        checkpointer: None leaves no checkpoints.

    Attributes:
        initial_loss, losses: what the training's end is judged by; see Progress.
    """

    def __init__(self, wire: Wire, checkpointer: Checkpointer | None) -> None:
        self._wire = wire
        self._checkpointer = checkpointer
        self._pulse_at = 0.0
        self.initial_loss = math.nan
        self.losses: list[float] = []

    def between(self) -> None:
        """Between two batches.

        Raises:
            Interrupted: the supervisor wants the training to stop.
        """
        self._wire.check()
        now = time.monotonic()
        if now >= self._pulse_at:
            self._pulse_at = now + PULSE_SECONDS
            self._wire.send(Pulse())

    def on_epoch(self, row: Epoch) -> None:
        """An epoch's row is known."""
        self.losses.append(row.metrics["loss"])
        self._wire.send(Epochs(rows=(row,)))

    def enough(self) -> bool:
        """Whether the supervisor wants no further epoch."""
        return self._wire.pruned

    def after_epoch(self, position: Position) -> None:
        """An epoch is over, with all that it changes."""
        if self._checkpointer is not None and self._checkpointer.due():
            self._checkpointer.write(
                Progress(
                    position=position,
                    initial_loss=self.initial_loss,
                    losses=tuple(self.losses),
                )
            )
