"""A trainer without TensorFlow that checkpoints, dies and waits where EPOCHD_TEST_SCRIPT says so.

The script maps epochs to what happens after them, in order: "checkpoint" (and a wait until it is
stored), "left" (a checkpoint without the wait), "rubbish" (one that it cannot read itself), "full"
(it says that it could not write one), and, once each over all attempts, "die", "unread" (it fails
with trouble that passes) and "hold" (until it is told to stop). EPOCHD_TEST_CHECKPOINT and
EPOCHD_TEST_NETWORK are the sizes of its files, in bytes.
"""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

from models.lifecycle import StopReason
from models.measurements import LayerMeasurement, Measurement
from worker.messages import (
    Checkpointed,
    CheckpointFailed,
    CheckpointFile,
    Checkpointing,
    Epoch,
    Epochs,
    Failed,
    Finished,
    Measurements,
    NetworkFile,
    Ready,
    Started,
    Stopped,
    Train,
)
from worker.trainer.wire import Interrupted, Wire

EPOCH_SECONDS = 0.02
# What it says an epoch took: so many that a time limit is met without waiting for it.
SAID_SECONDS = 50.0


class Unread(Exception):
    """It cannot read something at the moment."""


UNREAD = Failed(
    stop_reason=StopReason.ERROR,
    code="artifacts_unavailable",
    problem="What it was to go on from could not be read: Stale file handle.",
    detail="",
    passing=True,
)


def main(commands: int, reports: int) -> None:
    wire = Wire(commands, reports)
    wire.send(Ready(pid=os.getpid(), device="cpu"))
    while True:
        plan = wire.next_plan()
        try:
            wire.send(train(plan, wire))
        except Interrupted as interrupted:
            wire.send(Stopped(reason=interrupted.reason))
        except Unread:
            wire.send(UNREAD)


def train(plan: Train, wire: Wire) -> Finished:
    script: dict[str, list[str]] = json.loads(os.environ["EPOCHD_TEST_SCRIPT"])
    checkpointing = plan.checkpointing
    assert checkpointing is not None
    begin, unreadable = resumed(checkpointing)
    wire.send(Started(parameters=1, engine={"device": "odd"}, epoch=begin, unreadable=unreadable))
    if not begin:
        wire.send(Measurements(rows=(measured(0),)))
    for epoch in range(begin + 1, plan.trial.fit.epochs + 1):
        time.sleep(EPOCH_SECONDS)
        wire.check()
        metrics = {"loss": 1 / epoch, "val_loss": 1 / epoch}
        row = Epoch(epoch=epoch, metrics=metrics, learning_rate=0.1, seconds=SAID_SECONDS)
        wire.send(Epochs(rows=(row,)))
        wire.send(Measurements(rows=(measured(epoch),)))
        for action in script.get(str(epoch), []):
            act(action, epoch, checkpointing, wire)
    path = Path(plan.network)
    path.write_bytes(b"n" * int(os.environ.get("EPOCHD_TEST_NETWORK", "10")))
    network = NetworkFile(path=str(path), sha256=sha256(path), bytes=path.stat().st_size)
    return Finished(stop_reason=StopReason.COMPLETED, network=network)


def measured(epoch: int) -> Measurement:
    layer = LayerMeasurement(layer="dense", units=8, dead=1.0)
    loss = 1 / max(1, epoch)
    return Measurement(
        epoch=epoch, rows=10, layers=(layer,), loss=loss, prior=1.0, largest_input=1.0
    )


def resumed(checkpointing: Checkpointing) -> tuple[int, tuple[int, ...]]:
    unreadable: list[int] = []
    for file in checkpointing.found:
        content = Path(file.path).read_bytes().strip(b" ")
        if content.isdigit():
            return int(content), tuple(unreadable)
        unreadable.append(file.epoch)
    return 0, tuple(unreadable)


def act(action: str, epoch: int, checkpointing: Checkpointing, wire: Wire) -> None:
    match action:
        case "checkpoint" | "left" | "rubbish":
            path = Path(checkpointing.folder) / f"{epoch}.npz"
            size = int(os.environ.get("EPOCHD_TEST_CHECKPOINT", "10"))
            path.write_text(("rubbish" if action == "rubbish" else str(epoch)).ljust(size))
            file = CheckpointFile(epoch=epoch, path=str(path), sha256=sha256(path), bytes=size)
            wire.send(Checkpointed(file=file))
            while action != "left" and path.exists():
                time.sleep(EPOCH_SECONDS)
                wire.check()
        case "full":
            wire.send(CheckpointFailed(epoch=epoch, problem="No space left on device."))
        case "die":
            if first(f"die-{epoch}"):
                os.kill(os.getpid(), signal.SIGKILL)
        case "unread":
            if first(f"unread-{epoch}"):
                raise Unread
        case "hold":
            if first(f"hold-{epoch}"):
                hold(wire)
        case _:
            raise ValueError(action)


def hold(wire: Wire) -> None:
    """Wait until it is told to stop, which `check` raises."""
    while True:
        time.sleep(EPOCH_SECONDS)
        wire.check()


def first(what: str) -> bool:
    """Whether no attempt did this before."""
    try:
        (Path(os.environ["EPOCHD_TEST_DONE"]) / what).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
