"""A worker process for tests: `python -m tests.worker.run_worker` KIND and a Start as JSON."""

import logging
import sys
from pathlib import Path

from pydantic import BaseModel

from models.specs.experiment import Device
from worker.parts import Places
from worker.run_train import run_train
from worker.timing import Timing


class Start(BaseModel):
    """What a worker of a test needs to know."""

    kind: str
    database: str
    broker: str
    artifacts: str
    lease: float
    sweep: float = 0.5
    checkpoint: float = 10.0


def main(start: Start) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    places = Places(
        database=start.database,
        broker=start.broker,
        artifacts=start.artifacts,
        cache=Path(start.artifacts) / "cache",
    )
    timing = Timing(
        lease=start.lease,
        beat=start.lease / 6,
        sweep=start.sweep,
        ring=2.0,
        checkpoint=start.checkpoint,
    )
    if start.kind == "control":
        from worker.run_control import run_control  # noqa: PLC0415 - loads scikit-learn

        return run_control(places, timing=timing)
    return run_train(places, slots=1, device=Device.CPU, timing=timing)


if __name__ == "__main__":
    sys.exit(main(Start.model_validate_json(sys.argv[1])))
