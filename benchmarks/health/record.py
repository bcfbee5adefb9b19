"""Judges what was trained, and writes it down line by line so that a misjudged case can be seen."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.health.faults import FAULTS
from benchmarks.health.scores import Judged
from benchmarks.health.trained import Trained, Training
from benchmarks.health.truth import Gain, Losses, alike, fault_is_real, gain, last, usable

COUNTED = ("warning", "problem")
TABLE = "cases.jsonl"


def judged(case: Trained) -> tuple[Judged, Judged]:
    """The faulty trial and its clean twin of the same seed: half of all is clean."""
    fault = FAULTS[case.case.fault]
    without = [_losses(case, each) for each in case.without]
    real = fault_is_real(_losses(case, case.best), without)
    first, clean = first_causes(case.faulty.findings), first_causes(case.clean.findings)
    return (
        Judged(
            dataset=case.case.dataset,
            fault=case.case.fault,
            named_by=fault.codes,
            real=real,
            found=frozenset(cause["code"] for cause in first),
            alarming=_alarming(first),
            repaired=_repair(case).is_real,
            added=fault.added,
        ),
        Judged(
            dataset=case.case.dataset,
            fault=None,
            named_by=frozenset(),
            real=False,
            found=frozenset(cause["code"] for cause in clean),
            alarming=_alarming(clean),
            added=fault.added,
        ),
    )


def has_something_clean(case: Trained) -> bool:
    """Whether each training without the fault handed out a usable network.

    Where one did not, the setting is ill by itself: a finding on it may be right, and nobody here
    knows. What was found has no say in it.
    """
    return all(usable(training.losses) for training in (case.clean, *case.without))


def write(cases: Iterable[Trained], folder: Path) -> Path:
    """One JSON line a case, the misjudged ones marked."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / TABLE
    with path.open("w") as file:
        for case in cases:
            file.write(json.dumps(_line(case)) + "\n")
    return path


def _line(case: Trained) -> dict[str, Any]:
    faulty, clean = judged(case)
    return {
        "case": case.case.name,
        "left_out": not has_something_clean(case),
        "named_by": sorted(faulty.named_by),
        "real": faulty.real,
        "found": sorted(faulty.found),
        "recognised": faulty.recognised,
        "wrong": sorted(faulty.found - faulty.right),
        "found_in_twin": sorted(clean.found),
        "gain_without": [
            _gain(gain(_losses(case, case.best), _losses(case, each))) for each in case.without
        ],
        "gain_of_repair": None if case.repaired is None else _gain(_repair(case)),
        "repair_refused": case.refused,
        "faulty": _training(case.faulty),
        "twin": _training(case.clean),
        "repaired": case.repaired and _training(case.repaired),
    }


def _training(training: Training) -> dict[str, Any]:
    trial = training.trial
    return {
        "spec": training.spec,
        "state": trial["state"],
        "error": trial["error"],
        "stop_reason": trial["stop_reason"],
        "epochs": trial["epochs"],
        "best": trial["best"],
        "latest": trial["latest"] and trial["latest"]["metrics"],
        "findings": training.findings,
        "health": training.health,
    }


def first_causes(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that count, of a trial's findings as the API shows them."""
    return [
        finding
        for finding in findings
        if finding["consequence_of"] is None and finding["severity"] in COUNTED
    ]


def _alarming(causes: Sequence[dict[str, Any]]) -> bool:
    return any(cause["severity"] == "problem" for cause in causes)


def _repair(case: Trained) -> Gain:
    if case.repaired is None:
        return Gain(0.0, 0.0)
    held_out = min(case.faulty.held_out, case.repaired.held_out)
    return gain(*(_losses(case, each, held_out) for each in (case.faulty, case.repaired)))


def _losses(case: Trained, training: Training, count: int | None = None) -> Losses | None:
    """Of so many of the last validation rows, or of all, as the fault wants them counted."""
    rows = training.rows.whole.validation.y
    count = len(rows) if count is None else count
    losses = last(count, training.losses)
    return alike(losses, rows[-count:]) if FAULTS[case.case.fault].alike else losses


def _gain(found: Gain) -> dict[str, float | str]:
    """An infinite one as text, since JSON has no word for it."""
    mean = found.mean if math.isfinite(found.mean) else str(found.mean)
    return {"mean": mean, "standard_error": found.standard_error}
