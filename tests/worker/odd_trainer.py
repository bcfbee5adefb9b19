"""A trainer without TensorFlow that misbehaves in the way that EPOCHD_TEST_ODD names."""

import itertools
import os
import signal
import sys
import time

from models.lifecycle import StopReason
from worker.messages import Epoch, Epochs, Finished, Ready, Started
from worker.trainer.wire import Wire

RUBBISH = (
    b"\x00\xff\n",
    b'{"kind":"epochs"\n',
    b'{"kind":"gift","rows":[]}\n',
    b"[" * 10_000 + b"\n",
)


def main(commands: int, reports: int) -> None:
    wire = Wire(commands, reports)
    wire.send(Ready(pid=os.getpid(), device="cpu"))
    for plan in itertools.count(1):
        wire.next_plan()
        wire.send(Started(parameters=1, engine={"device": "odd", "pid": os.getpid()}))
        loss = float(plan)
        row = Epoch(
            epoch=1, metrics={"loss": loss, "val_loss": loss}, learning_rate=0.1, seconds=0.1
        )
        wire.send(Epochs(rows=(row,)))
        match os.environ["EPOCHD_TEST_ODD"]:
            case "crash":
                os.kill(os.getpid(), signal.SIGKILL)
            case "slow":
                time.sleep(0.5)
                wire.send(Epochs(rows=(row.model_copy(update={"epoch": 2}),)))
            case "deaf":
                time.sleep(3600)
            case "rubbish":
                for line in RUBBISH:
                    os.write(reports, line)
        wire.send(Finished(stop_reason=StopReason.COMPLETED, network=None))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
