"""What is warned of in a spec, and what its patches come to: what these tests ask."""

from collections.abc import Sequence
from typing import Any

import jsonpatch

from health.static.warn import warnings
from models import data_meaning
from models.builtins import BUNDLED
from models.findings import Finding
from models.profile import Column, DatasetProfile, TableProfile, ValueCount
from models.resolve import complete
from models.specs.experiment import ExperimentSpec

HIDDEN: dict[str, Any] = {"layer": "Dense", "units": 16, "activation": "relu"}
DROPOUT: dict[str, Any] = {"layer": "Dropout", "rate": 0.5}


def dense(units: int = 16, activation: str | None = None, **more: Any) -> dict[str, Any]:
    return {"layer": "Dense", "units": units, "activation": activation, **more}


def on(dataset: str, *layers: dict[str, Any], output: str = "auto", **parts: Any) -> dict[str, Any]:
    """One training on a built-in dataset, sound unless the layers or parts are not."""
    data = {"dataset": f"builtin:{dataset}", **parts.pop("data", {})}
    network = {"layers": list(layers or [HIDDEN]), "output": output}
    return {"data": data, "network": network, **parts}


def numbers(*, rows: int = 400, span: tuple[float, float] = (-3, 3)) -> TableProfile:
    """One input between -1 and 1, and a number to predict between these."""
    given = {"type": "number", "missing": 0, "distinct": rows}
    return TableProfile(
        rows=rows,
        columns=(
            Column.model_validate({"name": "x", "minimum": -1, "maximum": 1} | given),
            Column.model_validate({"name": "y", "minimum": span[0], "maximum": span[1]} | given),
        ),
        target="y",
    )


def classes(*counts: int) -> TableProfile:
    """One input, and classes "a", "b", … with so many rows each."""
    rows = sum(counts)
    top = [ValueCount(value=label, rows=n) for label, n in zip("abcdefgh", counts, strict=False)]
    return TableProfile(
        rows=rows,
        columns=(
            Column(name="x", type="number", missing=0, distinct=rows, minimum=-1, maximum=1),
            Column(name="y", type="text", missing=0, distinct=len(top), top=tuple(top)),
        ),
        target="y",
    )


def seen(spec: dict[str, Any], profile: DatasetProfile | None = None) -> tuple[Finding, ...]:
    """All warnings of a spec of one trial that can be trained."""
    read = ExperimentSpec.model_validate(spec)
    if profile is None:
        profile = BUNDLED[(read.data.dataset or "").removeprefix("builtin:")]
    facts = data_meaning.facts(profile, read.data)
    return warnings(read, complete(read, facts), facts, profile, compared="search" in spec)


def codes(found: Sequence[Finding]) -> list[str]:
    return [finding.code for finding in found]


def repaired(spec: dict[str, Any], finding: Finding) -> dict[str, Any]:
    """The whole spec as a GET shows it, with the patch of one warning."""
    shown = ExperimentSpec.model_validate(spec).model_dump(mode="json")
    patched: dict[str, Any] = jsonpatch.apply_patch(shown, list(finding.patch))
    return patched
