"""`make bench-search`: how good the networks are that searches find, beside what is asked of them.

Nothing here asserts. `--quick` takes fewer splits, images' epochs and rounds, to see that it works;
`--only titanic` does that step alone. Real files only: a step whose file is not there says so.
"""

from collections.abc import Mapping
from functools import partial

from benchmarks import data, service
from benchmarks.figures import Figure
from benchmarks.quality import images, regret, tables
from benchmarks.steps import Effort, Measure, folder, run


def _table(table: tables.Table, effort: Effort) -> list[Figure]:
    splits, others = (2, 2) if effort == "quick" else (10, 20)
    with folder() as here, service.service(here, slots=2) as running:
        return tables.measure(running, table, splits=splits, others=others)


def _mnist(effort: Effort) -> list[Figure]:
    epochs, others = (1, 1) if effort == "quick" else (10, 2)
    with folder() as here, service.service(here, slots=2) as running:
        return images.measure(running, here, epochs=epochs, others=others)


def _regret(effort: Effort) -> list[Figure]:
    with folder() as here, service.service(here, slots=2) as running:
        rounds = 1 if effort == "quick" else 3
        return regret.measure(running, data.titanic(here), here, rounds=rounds)


STEPS: Mapping[str, Measure] = {
    "titanic": partial(_table, tables.TITANIC),
    "hourly_wages": partial(_table, tables.HOURLY_WAGES),
    "mnist_csv": partial(_table, tables.MNIST_CSV),
    "mnist": _mnist,
    "regret": _regret,
}


def _bounded(name: str, measure: Measure, effort: Effort) -> list[Figure]:
    """A step that gives up does not take the figures of the others with it."""
    try:
        return measure(effort)
    except (TimeoutError, RuntimeError) as stopped:
        return [Figure.missing(name, str(stopped), "to end")]


if __name__ == "__main__":
    run(
        "make bench-search",
        __doc__,
        {name: partial(_bounded, name, measure) for name, measure in STEPS.items()},
    )
