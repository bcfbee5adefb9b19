"""How good the networks are that searches find for small tables, as means over many splits.

Repeat r of every setting is trained with seed + r, which chooses its validation rows. The winner is
the setting with the best mean over the search's own splits, so that mean flatters it a little; it
is trained again on splits that had no say, and both means are told.
"""

from dataclasses import dataclass, field
from typing import Any

from benchmarks import data
from benchmarks.figures import Figure
from benchmarks.quality.capacity import OTHER_SEED, against_fixed
from benchmarks.quality.concluded import Candidate, concluded
from benchmarks.service import Service

SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table and what is asked for.

    Attributes:
        name: for a figure.
        file: in the data folder.
        target: the column to predict.
        settings: how many the search draws.
        units: of its hidden layer, from and to.
        fit: epochs and patience.
        loss: val_loss at most; None where none is asked for.
        accuracy: validation accuracy at least; None where none is asked for.
        scaling: of its columns.
    """

    name: str
    file: str
    target: str
    settings: int
    units: tuple[int, int]
    fit: dict[str, Any] = field(default_factory=dict)
    loss: float | None = None
    accuracy: float | None = None
    scaling: str = "standard"


TITANIC = Table(
    name="titanic",
    file="titanic_all_numeric.csv",
    target="survived",
    settings=12,
    units=(8, 256),
    fit={"epochs": 100, "early_stopping": {"patience": 5}},
    loss=0.43,
    accuracy=0.81,
)
HOURLY_WAGES = Table(
    name="hourly_wages",
    file="hourly_wages.csv",
    target="wage_per_hour",
    settings=12,
    units=(8, 256),
    fit={"epochs": 200, "early_stopping": {"patience": 10}},
    loss=18.7,
)
# Its first line is a row of digits that was taken for names.
MNIST_CSV = Table(
    name="mnist.csv",
    file="mnist.csv",
    target="5",
    settings=6,
    units=(64, 512),
    fit={"epochs": 60, "early_stopping": {"patience": 5}},
    accuracy=0.9,
    scaling="minmax",
)


def measure(running: Service, table: Table, *, splits: int, others: int) -> list[Figure]:
    """A random search's winner against what is asked for, and capacity's choice against 128-128.

    Args:
        running: the service.
        table: to learn.
        splits: of the searches.
        others: splits to judge by what they found.
    """
    path = data.shared(table.file)
    if path is None:
        return [Figure.missing(f"{table.name}: what searches find", "no such file", "to be good")]
    rows = {
        "data": {
            "dataset": running.upload(path),
            "target": table.target,
            "scaling": table.scaling,
        },
        "fit": table.fit,
        "seed": SEED,
    }
    return [
        *_found(running, table, rows, splits, others),
        _capacity(running, table, rows, splits, others),
    ]


def _found(
    running: Service, table: Table, rows: dict[str, Any], splits: int, others: int
) -> list[Figure]:
    low, high = table.units
    drawn = rows | {
        "network": {
            "layers": [
                {"layer": "Dense", "units": low, "activation": "relu"},
                {"layer": "Dropout", "rate": 0.2},
            ]
        },
        "compile": _compiled(table),
        "search": {
            "strategy": "random",
            "count": table.settings,
            "over": {
                "network.layers.0.units": {"int": {"low": low, "high": high, "log": True}},
                "network.layers.1.rate": {"float": {"low": 0, "high": 0.6}},
                "compile.optimizer.learning_rate": {
                    "float": {"low": 0.0005, "high": 0.02, "log": True}
                },
            },
        },
        "repeats": splits,
    }
    search = concluded(running, f"{table.name}, {table.settings} drawn settings", drawn)
    alone = search.winner_spec | {"repeats": others, "seed": OTHER_SEED}
    again = concluded(running, f"{table.name}, the winner on other splits", alone)
    fits = f"{search.fits} fits, {search.seconds:.0f} s"
    return [
        *_asked(table, search.winner, f"the {splits} splits that chose it", fits),
        *_asked(table, again.winner, f"{others} other splits", f"{again.fits} fits"),
    ]


def _asked(table: Table, winner: Candidate, where: str, fits: str) -> list[Figure]:
    """One figure for each thing that is asked of the table."""
    figures = []
    of = f"{table.name}: %s of a random search's winner, {where}"
    if table.accuracy is not None and winner.accuracy is not None:
        figures.append(
            Figure(
                of % "accuracy",
                f"{winner.accuracy:.2%}; {fits}",
                f"at least {table.accuracy:.1%}",
                winner.accuracy >= table.accuracy,
            )
        )
    if table.loss is not None:
        deviation = "" if winner.deviation is None else f" (sd of a split {winner.deviation:.3g})"
        figures.append(
            Figure(
                of % "loss",
                f"{winner.loss:.4g}{deviation}; {fits}",
                f"at most {table.loss:g}",
                winner.loss <= table.loss,
            )
        )
    return figures


def _capacity(
    running: Service, table: Table, rows: dict[str, Any], splits: int, others: int
) -> Figure:
    sizes = rows | {
        "compile": _compiled(table),
        "search": {"strategy": "capacity", "seeds": splits},
    }
    search = concluded(running, f"{table.name}, capacity", sizes)
    return against_fixed(running, table.name, sizes, search, splits=others)


def _compiled(table: Table) -> dict[str, Any]:
    return {
        "optimizer": {"optimizer": "Adam", "learning_rate": 0.003},
        "metrics": [] if table.accuracy is None else ["accuracy"],
    }
