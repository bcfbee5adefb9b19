"""`make bench-health`: whether findings are right, and whether what they suggest helps.

Faults are put into clean settings and trained beside them by the real embedded service. Whether a
fault is real is decided by training without it; benchmarks/README.md has the rules. Nothing here
asserts. `--list tuning` is for changing rules by, `--list reporting` for what is written down.
"""

import argparse
from itertools import chain
from pathlib import Path

from rich.console import Console

from benchmarks import service
from benchmarks.figures import show
from benchmarks.health import record, scores, trainings
from benchmarks.health.datasets import LISTS
from benchmarks.health.faults import FAULTS, cases
from benchmarks.steps import folder

SEEDS = (0, 1, 2)


def main() -> None:
    """Train the matrix, judge it, print the figures and keep the cases."""
    parser = argparse.ArgumentParser(prog="make bench-health", description=__doc__)
    parser.add_argument("--list", choices=LISTS, default="tuning", help="of datasets")
    parser.add_argument(
        "--datasets", nargs="+", choices=list(chain(*LISTS.values())), help="these of the list"
    )
    parser.add_argument("--only", nargs="+", choices=FAULTS, help="these faults")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, help="these, not 0, 1, 2")
    parser.add_argument("--quick", action="store_true", help="seed 0, to see that it works")
    parser.add_argument(
        "--out", type=Path, default=Path("bench-health"), help="folder for the cases"
    )
    asked = parser.parse_args()
    draws = LISTS[asked.list]
    kinds = {name: draw().kind for name, draw in draws.items()}
    matrix = [
        case
        for case in cases(kinds, SEEDS[:1] if asked.quick else asked.seeds)
        if case.fault in (asked.only or FAULTS) and case.dataset in (asked.datasets or draws)
    ]
    if not matrix:
        parser.error(f"none of these on the list {asked.list}, or no such fault suits them")
    with folder() as here, service.service(here, slots=2) as running:
        trained = trainings.train(running, here, draws, matrix)
    table = record.write(trained, asked.out)
    counted = [case for case in trained if record.has_something_clean(case)]
    judged = [trial for case in counted for trial in record.judged(case)]
    figures = scores.figures(judged, left_out=len(trained) - len(counted))
    show(f"epochd, health on the {asked.list} datasets", figures)
    Console(stderr=True).print(f"every case: {table}")


if __name__ == "__main__":
    main()
