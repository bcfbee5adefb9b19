"""The trainer process: imports TensorFlow once, then trains one trial after another.

It has no database and no broker. Its supervisor hands it plans over one pipe and reads reports from
another; whatever a plan does wrong ends in a report, not in the end of the process.

Run as `python -m worker.trainer.main <commands fd> <reports fd>`.
"""

import logging
import os
import sys

from worker.messages import Ready
from worker.trainer.wire import Wire

NICENESS = 10


def main(arguments: list[str]) -> None:
    """Serve until the supervisor closes the pipe."""
    logging.basicConfig(format="%(asctime)s trainer %(process)d %(levelname)s %(message)s")
    commands, reports = (int(number) for number in arguments)
    # A training takes what is left: the API and the supervisors of this machine answer first.
    os.nice(NICENESS)
    # Listening starts before the import of TensorFlow, which takes seconds: a supervisor that is
    # killed meanwhile must not leave this process behind.
    wire = Wire(commands, reports)
    # Keras imports it where it finds it, for wrappers that no trial has: a fifth of the start.
    sys.modules["sklearn"] = None  # type: ignore[assignment] # how Python marks what is not there

    from worker.trainer.engine import forget, warm_up  # noqa: PLC0415
    from worker.trainer.programs import Programs  # noqa: PLC0415
    from worker.trainer.trial import attempt  # noqa: PLC0415

    programs = Programs()
    wire.send(Ready(pid=os.getpid(), device=warm_up()))
    while True:
        wire.send(attempt(wire.next_plan(), wire, programs))
        forget()


if __name__ == "__main__":
    main(sys.argv[1:])
