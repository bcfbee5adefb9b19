"""Real trainings for the tests of rules: small tables, the real trainer in this process."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonpatch
import numpy as np
import polars as pl
from numpy.typing import NDArray

from health.course import Course, course_of
from health.judge import judge
from models.findings import Finding, Judgement
from models.recorded import Recorded
from models.resolve import resolve
from models.specs.experiment import ExperimentSpec
from store.formats.folder import write_table
from store.formats.table import Table
from tests.trainer.wires import Heard
from worker.messages import Epochs, Finished, Measurements, Train
from worker.trainer.programs import Programs
from worker.trainer.trial import attempt

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table in memory: x (rows, columns), y (rows,) of numbers or of text."""

    x: Array
    y: Sequence[str] | Sequence[float]


@dataclass(frozen=True, slots=True)
class Trained:
    """One training and what is said of it."""

    spec: ExperimentSpec
    rows: Rows
    course: Course
    judgement: Judgement

    @property
    def codes(self) -> list[str]:
        """Of the findings that are more than informational, in order."""
        return [each.code for each in self.judgement.findings if each.severity != "info"]

    @property
    def causes(self) -> list[str]:
        """Those of them that nothing else explains."""
        return [
            each.code
            for each in self.judgement.findings
            if each.severity != "info" and each.consequence_of is None
        ]

    def finding(self, code: str) -> Finding:
        return next(each for each in self.judgement.findings if each.code == code)

    @property
    def best(self) -> float:
        """The lowest validation loss; infinite where there is none."""
        losses = [row.get("val_loss") for row in self.course.epochs]
        return min((loss for loss in losses if loss is not None), default=float("inf"))


class Trainer:
    """Trains one spec after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = Programs()
        self._numbers = itertools.count()

    def train(self, rows: Rows, **parts: Mapping[str, Any]) -> Trained:
        """A network of `network=`, and so on, on these rows."""
        data = {"dataset": "ds_1", "target": "y"} | dict(parts.pop("data", {}))
        return self.again(rows, ExperimentSpec.model_validate({"data": data, **parts}))

    def repaired(self, trained: Trained, code: str) -> Trained:
        """The spec that a finding suggests."""
        before = trained.spec.model_dump(mode="json")
        patch = list(trained.finding(code).patch)
        assert patch, f"{code} suggests nothing"
        after: Any = jsonpatch.apply_patch(before, patch)
        return self.again(trained.rows, ExperimentSpec.model_validate(after))

    def again(self, rows: Rows, spec: ExperimentSpec) -> Trained:
        """A whole spec."""
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        columns: dict[str, Any] = {f"x{n}": column for n, column in enumerate(rows.x.T)}
        profile = write_table(Table(pl.DataFrame(columns | {"y": rows.y})), folder)
        trial = resolve(spec, {}, profile, seed=spec.seed)
        wire = Heard()
        network = str(folder / "network.keras")
        plan = Train(trial=trial, profile=profile, folder=str(folder), network=network)
        ended = attempt(plan, wire, self._programs)
        assert isinstance(ended, Finished), ended
        course = course_of(
            spec, {}, profile, recorded(wire), seed=spec.seed, stop_reason=ended.stop_reason
        )
        return Trained(spec, rows, course, judge(course, spec=spec, changes={}))


def recorded(wire: Heard) -> Recorded:
    """What the store would have of it."""
    epochs = [row for each in wire.reports if isinstance(each, Epochs) for row in each.rows]
    measured = [r for each in wire.reports if isinstance(each, Measurements) for r in each.rows]
    return Recorded(
        epochs=tuple(
            {name: value if np.isfinite(value) else None for name, value in row.metrics.items()}
            for row in epochs
        ),
        learning_rates=tuple(row.learning_rate for row in epochs),
        measurements=tuple(measured),
    )


def dense(
    *units: int, activation: str = "relu", **arguments: Any
) -> dict[str, list[dict[str, Any]]]:
    """A network of Dense layers."""
    layer = {"layer": "Dense", "activation": activation, **arguments}
    return {"layers": [{**layer, "units": each} for each in units]}


def clouds(rows: int = 240) -> Rows:
    """Three classes that overlap a little, in unit scale."""
    draw = np.random.default_rng(1)
    number = draw.integers(0, 3, rows)
    centres = np.array([[1.5, 0, 0, 0], [-1.0, 1.5, 0, 0], [0, -1.5, 1.0, 0]])
    x = centres[number] + draw.normal(size=(rows, 4))
    return Rows(x, [f"class {each}" for each in number])


def rings(rows: int = 400) -> Rows:
    """One class around the other: no single direction tells them apart."""
    draw = np.random.default_rng(2)
    x = draw.normal(size=(rows, 2))
    return Rows(x, np.where(np.hypot(*x.T) > 1.18, "outside", "inside").tolist())


def wages(rows: int = 300) -> Rows:
    """About unit scale, of years of school and of work and of sales, as they come in a census."""
    draw = np.random.default_rng(3)
    school, work = draw.uniform(6, 18, rows), draw.uniform(0, 45, rows)
    sales = draw.uniform(1_000, 90_000, rows)
    wage = 0.5 * school + 4 * np.sqrt(work) * (work < 30) + sales / 20_000
    wage = (wage + draw.normal(size=rows) - 19) / 7
    return Rows(np.column_stack([school, work, sales]), wage.tolist())


def rare(rows: int = 600) -> Rows:
    """One row in 20 is of a class that overlaps the other."""
    draw = np.random.default_rng(4)
    is_rare = np.arange(rows) % 20 == 0
    x = draw.normal(size=(rows, 3)) + is_rare[:, None] * 0.4
    return Rows(x, np.where(is_rare, "rare", "common").tolist())


def curved(rows: int = 400) -> Rows:
    """After Friedman's first regression: a number to which no single direction leads."""
    draw = np.random.default_rng(5)
    x = draw.uniform(size=(rows, 5))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 5 * x[:, 3]
    return Rows(x, ((y + draw.normal(size=rows) - 12) / 4).tolist())


def straight(rows: int = 300) -> Rows:
    """A weighted sum of columns, and as much noise."""
    draw = np.random.default_rng(6)
    x = draw.normal(size=(rows, 4))
    return Rows(x, (x @ [0.5, -0.4, 0.3, 0.0] + 0.7 * draw.normal(size=rows)).tolist())
