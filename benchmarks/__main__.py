"""`make bench`: measure one thing after the other, and print the figures beside their aims.

Nothing here asserts. `--quick` does fewer repetitions, to see that it works; `--only queue` does
that step alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rich.console import Console

from benchmarks import data, heartbeats, history, queue, searches, service
from benchmarks.figures import Figure, show
from models.specs.experiment import Device
from worker.process import TrainerSettings

Effort = Literal["quick", "whole"]
Measure = Callable[[Effort], list[Figure]]


def _start(effort: Effort) -> list[Figure]:
    return [service.api_start(2 if effort == "quick" else 7)]


def _service(effort: Effort) -> list[Figure]:
    with _folder() as folder, service.service(folder, slots=2) as running:
        return [
            service.first_epoch(running, 3 if effort == "quick" else 9),
            service.polling(running, 5 if effort == "quick" else 30),
            service.overhead(
                running, folder, 1 if effort == "quick" else 3, 20 if effort == "quick" else 700
            ),
        ]


def _queue(effort: Effort) -> list[Figure]:
    return queue.measure(50 if effort == "quick" else 500)


def _heartbeats(effort: Effort) -> list[Figure]:
    return heartbeats.measure(3 if effort == "quick" else 30)


def _checkpoints(effort: Effort) -> list[Figure]:
    figures = []
    for width, epochs in ((100, 6_000), (2200, 32)):
        with _folder() as folder:
            times = (1, epochs // 10) if effort == "quick" else (3, epochs)
            figures.append(service.checkpoints(folder, *times, width))
    return figures


def _titanic(effort: Effort) -> list[Figure]:
    with _folder() as folder, service.service(folder, slots=2) as running:
        rounds = 1 if effort == "quick" else 5
        return searches.measure(running, data.titanic(folder), rounds=rounds, epochs=20, times=8)


def _mnist(effort: Effort) -> list[Figure]:
    with _folder() as folder, service.service(folder, slots=2) as running:
        rounds, images = (1, 6_000) if effort == "quick" else (5, data.IMAGES)
        rows = data.mnist(folder, images)
        return searches.measure(running, rows, rounds=rounds, epochs=20, times=5)


def _history(effort: Effort) -> list[Figure]:
    with _folder() as ours, _folder() as theirs, service.service(ours, slots=1) as running:
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
    "zoo": _zoo,
    "titanic": _titanic,
    "mnist": _mnist,
    "history": _history,
}


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def main() -> None:
    """Run the steps that are asked for, in turn."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=list(STEPS), help="these steps")
    asked = parser.parse_args()
    effort: Effort = "quick" if asked.quick else "whole"
    console = Console(stderr=True)
    figures: list[Figure] = []
    for number, name in enumerate(asked.only, start=1):
        console.print(f"{number}/{len(asked.only)} {name} …")
        figures += STEPS[name](effort)
    show("epochd", figures)


main()
