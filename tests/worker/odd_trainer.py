"""A trainer without TensorFlow that misbehaves in the way that EPOCHD_TEST_ODD names.

After "poisoned: " the way is that of one trial alone.
"""

import itertools
import os
import signal
import sys
import time
from collections.abc import Callable

from models.lifecycle import StopReason
from worker.messages import Epoch, Epochs, Finished, NetworkFile, Ready, Started, StopCause, Stopped
from worker.trainer.wire import Wire

# The seed of the one trial that a "poisoned" trainer misbehaves with.
POISON = 8
RUBBISH = (
    b"\x00\xff\n",
    b'{"kind":"epochs"\n',
    b'{"kind":"gift","rows":[]}\n',
    b"[" * 10_000 + b"\n",
    *(
        b'{"kind":"epochs","rows":[{"epoch":%b,"metrics":{%b:1},"learning_rate":null,"seconds":%b}]}\n'
        % absurd
        for absurd in (
            (b"0", b'"loss"', b"1"),
            (b"%d" % 2**70, b'"loss"', b"1"),
            (b"2", b'"loss"', b"NaN"),
            (b"2", b'"loss"', b"-1"),
            (b"2", b'"loss"', b"1e308"),
            (b"2", b'"lo\\u0007ss"', b"1"),
            (b"2", b'"%b"' % (b"l" * 10_000), b"1"),
        )
    ),
)
GREED_BYTES = 400 * 2**20
ENDLESS_BYTES = 200 * 2**20
ZEROS = b"0" * 65_536


def main(commands: int, reports: int) -> None:
    wire = Wire(commands, reports)
    wire.send(Ready(pid=os.getpid(), device="cpu"))
    for plan in itertools.count(1):
        told = wire.next_plan()
        wire.send(Started(parameters=1, engine={"device": "odd", "pid": os.getpid()}))
        wire.send(Epochs(rows=(_epoch(1, plan),)))
        odd = os.environ["EPOCHD_TEST_ODD"]
        poisoned = odd.removeprefix("poisoned: ")
        if odd == "slow":
            time.sleep(0.5)
            wire.send(Epochs(rows=(_epoch(2, plan),)))
        elif poisoned == odd or told.trial.seed == POISON:
            ODDITIES[poisoned](reports)
        wire.send(Finished(stop_reason=StopReason.COMPLETED, network=None))


def _epoch(number: int, loss: float) -> Epoch:
    metrics = {"loss": float(loss), "val_loss": float(loss)}
    return Epoch(epoch=number, metrics=metrics, learning_rate=0.1, seconds=0.1)


def _sleep(_: int) -> None:
    time.sleep(3600)


def _hang_up(reports: int) -> None:
    os.close(reports)
    time.sleep(3600)


def _compute(_: int) -> None:
    while True:
        pass


def _take_memory(_: int) -> None:
    taken = b"1" * GREED_BYTES
    time.sleep(3600)
    del taken


def _flood(reports: int) -> None:
    while True:
        os.write(reports, b"\n" * 4096)


def _write_without_end(reports: int) -> None:
    for _ in range(ENDLESS_BYTES // len(ZEROS)):
        os.write(reports, ZEROS)
    os.write(reports, b"\n")


def _write_rubbish(reports: int) -> None:
    for line in RUBBISH:
        os.write(reports, line)


def _stop_unasked(reports: int) -> None:
    for reason in StopCause:
        os.write(reports, Stopped(reason=reason).line())
        time.sleep(0.5)


def _report_another_file(reports: int) -> None:
    network = NetworkFile(path="/etc/hostname", sha256="0" * 64, bytes=1)
    os.write(reports, Finished(stop_reason=StopReason.COMPLETED, network=network).line())


ODDITIES: dict[str, Callable[[int], None]] = {
    "crash": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "stopped": lambda _: os.kill(os.getpid(), signal.SIGSTOP),
    "deaf": _sleep,
    "hung up": _hang_up,
    "busy": _compute,
    "greedy": _take_memory,
    "flood": _flood,
    "endless line": _write_without_end,
    "rubbish": _write_rubbish,
    "unasked": _stop_unasked,
    "another file": _report_another_file,
}

if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
