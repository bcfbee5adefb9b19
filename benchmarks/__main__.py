"""`make bench`: measure one thing after the other, and print the figures beside their aims.

Nothing here asserts. `--quick` does fewer repetitions, to see that it works; `--only queue` does
that step alone.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

from benchmarks import data, heartbeats, history, queue, searches, service
from benchmarks.figures import Figure
from benchmarks.steps import Effort, Measure, folder, run
from models.specs.experiment import Device
from worker.process import TrainerSettings


def _start(effort: Effort) -> list[Figure]:
    return [service.api_start(2 if effort == "quick" else 7)]


def _service(effort: Effort) -> list[Figure]:
    with folder() as here, service.service(here, slots=2) as running:
        return [
            service.first_epoch(running, 3 if effort == "quick" else 9),
            service.polling(running, 5 if effort == "quick" else 30),
            service.overhead(
                running, here, 1 if effort == "quick" else 3, 20 if effort == "quick" else 700
            ),
        ]


def _queue(effort: Effort) -> list[Figure]:
    return queue.measure(50 if effort == "quick" else 500)


def _heartbeats(effort: Effort) -> list[Figure]:
    return heartbeats.measure(3 if effort == "quick" else 30)


def _checkpoints(effort: Effort) -> list[Figure]:
    figures = []
    for width, epochs in ((100, 6_000), (2200, 32)):
        with folder() as here:
            times = (1, epochs // 10) if effort == "quick" else (3, epochs)
            figures.append(service.checkpoints(here, *times, width))
    return figures


def _titanic(effort: Effort) -> list[Figure]:
    with folder() as here, service.service(here, slots=2) as running:
        rounds = 1 if effort == "quick" else 5
        return searches.measure(running, data.titanic(here), rounds=rounds, epochs=20, times=8)


def _mnist(effort: Effort) -> list[Figure]:
    with folder() as here, service.service(here, slots=2) as running:
        rounds, images = (1, 6_000) if effort == "quick" else (5, data.IMAGES)
        rows = data.mnist(here, images)
        return searches.measure(running, rows, rounds=rounds, epochs=20, times=5)


def _history(effort: Effort) -> list[Figure]:
    with folder() as ours, folder() as theirs, service.service(ours, slots=1) as running:
        rounds, seconds = (2, 2.0) if effort == "quick" else (5, 10.0)
        return history.measure(running, theirs, rounds=rounds, seconds=seconds)


def _speed(effort: Effort) -> list[Figure]:
    rounds = ("--rounds", "1" if effort == "quick" else "5")
    # A worker shares its cores among its slots, by default one a core: trials of a search have one
    # thread each. A trial that has the machine to itself, with --slots 1, has all of them.
    return [
        *_alone("benchmarks.speed", "images", *rounds),
        *_alone("benchmarks.speed", "table", *rounds, threads=1),
        *_alone("benchmarks.speed", "table", *rounds),
    ]


def _measuring(effort: Effort) -> list[Figure]:
    rounds = ("--rounds", "1" if effort == "quick" else "9")
    return _alone("benchmarks.measuring", *rounds)


def _zoo(effort: Effort) -> list[Figure]:
    sparing = ("--turns", "1", "--every", "10") if effort == "quick" else ("--turns", "5")
    return _alone("benchmarks.zoo", *sparing)


def _alone(module: str, *arguments: str, threads: int | None = None) -> list[Figure]:
    """Measure in a process of its own, set up as a trainer's is; it prints its figures last."""
    settings = TrainerSettings(threads=threads or os.cpu_count() or 1, device=Device.CPU)
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, env=settings.environment(), stdout=subprocess.PIPE, check=True)
    return [Figure(**figure) for figure in json.loads(done.stdout.splitlines()[-1])]


STEPS: Mapping[str, Measure] = {
    "start": _start,
    "service": _service,
    "queue": _queue,
    "heartbeats": _heartbeats,
    "checkpoints": _checkpoints,
    "speed": _speed,
    "measuring": _measuring,
    "zoo": _zoo,
    "titanic": _titanic,
    "mnist": _mnist,
    "history": _history,
}


if __name__ == "__main__":
    run("make bench", __doc__, STEPS)
