"""What was trained for a case of the matrix: a spec, the rows that it had, and what came of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.health.faults import Case
from benchmarks.health.rows import Part, Split
from benchmarks.health.settings import Spec
from benchmarks.health.truth import Losses
from models.specs.fit import FitSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """One seed's draw of a dataset, uploaded.

    Attributes:
        parts: of all rows, and what faults leave of them.
        ids: of these as uploaded.
        path: of all validation rows, as arrays.
    """

    parts: Mapping[Part, Split]
    ids: Mapping[Part, str]
    path: Path

    @property
    def whole(self) -> Split:
        """All rows."""
        return self.parts["whole"]

    def part_of(self, dataset: str) -> Split:
        """What was uploaded by this id."""
        return next(self.parts[part] for part, known in self.ids.items() if known == dataset)


@dataclass(slots=True, kw_only=True)
class Training:
    """One experiment of one trial.

    Attributes:
        experiment: its id.
        spec: as it was sent.
        rows: the draw that it trains on a part of.
        findings: of the trial, as GET shows them.
        trial: the whole view.
        health: what each rule came to, as GET …/health has it.
        losses: of the validation rows by what it handed out; None where there is nothing usable.
    """

    experiment: str
    spec: Spec
    rows: Draws
    findings: list[dict[str, Any]] = field(default_factory=list)
    trial: dict[str, Any] = field(default_factory=dict)
    health: list[dict[str, Any]] = field(default_factory=list)
    losses: Losses | None = None

    @property
    def held_out(self) -> int:
        """How many of the last of the draw's rows it did not train on, at least."""
        part = self.rows.part_of(self.spec["data"]["dataset"])
        fit = FitSpec.model_validate(self.spec["fit"])
        validation = fit.split_rows(len(part.rows.y)).validation
        planned = len(part.rows.y) - part.training
        return len(self.rows.whole.validation.y) if validation >= planned else validation


@dataclass(slots=True, kw_only=True)
class Trained:
    """All trainings of a case.

    Attributes:
        faulty: with the fault.
        best: the same with its best weights handed out; `faulty` itself where it does so.
        clean: the same setting and seed without it, on all rows.
        without: what shows what the fault costs, of the same seed and of another; mostly `clean` is
            the first.
        repaired: what the service suggested instead of the faulty one; None where nothing.
        refused: why the suggestion was not accepted, where it was not.
    """

    case: Case
    faulty: Training
    best: Training
    clean: Training
    without: tuple[Training, Training]
    repaired: Training | None = None
    refused: str | None = None

    def all(self) -> Iterator[Training]:
        """Each once."""
        yield self.faulty
        if self.best is not self.faulty:
            yield self.best
        yield self.clean
        yield from (each for each in self.without if each is not self.clean)
        if self.repaired is not None:
            yield self.repaired
