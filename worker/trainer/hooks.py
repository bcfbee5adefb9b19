"""What happens around batches and epochs: reports and checkpoints go out, a stop comes in.

The loop calls it and knows nothing of pipes and files; this knows nothing of networks.
"""

import logging
import math
import time
from collections.abc import Callable

from models.measurements import Measurement
from worker.messages import Epoch, Epochs, Measurements, Pulse
from worker.trainer.checkpoint import Progress
from worker.trainer.checkpointing import Checkpointer
from worker.trainer.loop import Position
from worker.trainer.measure import Measuring
from worker.trainer.wire import Interrupted, Wire

log = logging.getLogger(__name__)

PULSE_SECONDS = 1.0


class Hooks:
    """The hooks that a loop is given.

    Args:
        wire: to the supervisor.
        checkpointer: None leaves no checkpoints.
        measuring: None measures nothing.

    Attributes:
        initial_loss, losses: what the training's end is judged by; see Progress.
    """

    def __init__(
        self, wire: Wire, checkpointer: Checkpointer | None, measuring: Measuring | None = None
    ) -> None:
        self._wire = wire
        self._checkpointer = checkpointer
        self._measuring = measuring
        self._pulse_at = 0.0
        self.initial_loss = math.nan
        self.losses: list[float] = []

    def begin(self, initial_loss: float) -> None:
        """Nothing is trained yet."""
        self.initial_loss = initial_loss
        self._measure(lambda measuring: measuring.begin(self.between))

    def go_on(self, progress: Progress) -> None:
        """So much was trained before."""
        self.initial_loss = progress.initial_loss
        self.losses.extend(progress.losses)

    def before_epoch(self) -> None:
        """An epoch begins."""
        if self._measuring is not None:
            self._measuring.epoch_begins()

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
        self._measure(
            lambda measuring: measuring.epoch_ended(
                position.epoch, last=position.ending is not None, between=self.between
            )
        )
        if self._checkpointer is not None and self._checkpointer.due():
            self._checkpointer.write(
                Progress(
                    position=position,
                    initial_loss=self.initial_loss,
                    losses=tuple(self.losses),
                    measured=None if self._measuring is None else self._measuring.measured,
                )
            )

    def _measure(self, measure: Callable[[Measuring], Measurement | None]) -> None:
        """Report a measurement; a training does not fail for want of one."""
        if self._measuring is None:
            return
        try:
            found = measure(self._measuring)
        except Interrupted:
            raise
        except Exception:  # for want of memory, above all
            log.exception("nothing more is measured of this training")
            self._measuring = None
            return
        if found is not None:
            self._wire.send(Measurements(rows=(found,)))
