"""The trainer's end of the two pipes: commands in, reports out.

A thread reads the commands, so that a Stop is seen while a batch is computed, and so that the
process ends with its supervisor: when the command pipe closes there is nobody left to train for.
"""

import logging
import os
import queue
import threading

from worker.messages import Command, Message, Prune, Stop, StopCause, Train, read_command

log = logging.getLogger(__name__)

# Telling the difference in a process list or a log is all this is good for.
EXIT_WITHOUT_SUPERVISOR = 3


class Interrupted(Exception):
    """The supervisor wants the training to stop.

    Attributes:
        reason: why.
    """

    def __init__(self, reason: StopCause) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Wire:
    """Both pipes.

    Args:
        commands: file descriptor to read from.
        reports: file descriptor to write to.

    Attributes:
        pruned: the training is to end after the epoch in hand.
    """

    def __init__(self, commands: int, reports: int) -> None:
        self._commands = commands
        self._reports = reports
        self._plans: queue.Queue[Train] = queue.Queue()
        self._stop: StopCause | None = None
        self.pruned = False
        threading.Thread(target=self._listen, name="commands", daemon=True).start()

    def next_plan(self) -> Train:
        """Wait for the next trial to train."""
        return self._plans.get()

    def check(self) -> None:
        """Return quickly, unless the supervisor asked to stop.

        Raises:
            Interrupted: it did.
        """
        if self._stop is not None:
            raise Interrupted(self._stop)

    def send(self, message: Message) -> None:
        """Report. Ends the process when nobody reads any more."""
        rest = memoryview(message.line())
        try:
            while rest:
                rest = rest[os.write(self._reports, rest) :]
        except BrokenPipeError:
            os._exit(EXIT_WITHOUT_SUPERVISOR)

    def _listen(self) -> None:
        with os.fdopen(self._commands, "rb") as lines:
            for line in lines:
                try:
                    self._obey(read_command(line))
                except ValueError:
                    log.exception("a line on the command pipe is no command")
        os._exit(EXIT_WITHOUT_SUPERVISOR)

    def _obey(self, command: Command) -> None:
        match command:
            case Train():
                self._stop = None
                self.pruned = False
                self._plans.put(command)
            case Stop():
                self._stop = command.reason
            case Prune():
                self.pruned = True
