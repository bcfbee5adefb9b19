"""Validation that decides little: hardly any rows, classes without any, or no validation at all."""

from collections.abc import Iterator
from math import floor, sqrt

from health.static.case import Case, replace
from models.findings import Finding, Patch

# An accuracy p of n rows has the standard error sqrt(p (1 - p) / n), at most 9 points of 30 rows:
# no difference below about 18 shows.
FEW_ROWS = 30
# Labels that are named; who wants all of them reads the dataset's profile.
MAX_NAMED = 5

_DEFAULT_SPLIT = 0.3


def tiny_validation(case: Case) -> Iterator[Finding]:
    """Fewer validation rows than a score needs to mean something."""
    fit = case.spec.fit
    rows = fit.split_rows(case.facts.rows).validation
    if not 0 < rows < FEW_ROWS:
        return
    yield Finding(
        code="tiny_validation",
        severity="warning",
        pointer="/fit/validation_split",
        value=rows,
        threshold=FEW_ROWS,
        evidence=f"Of {case.facts.rows} rows {rows} validate; {_error(case, rows)}.",
        explanation="Which setting or epoch is best is decided by a few rows, so mostly by luck.",
        advice=(
            "Validate on more rows, or have each setting trained with several seeds, by repeats: "
            "each validates on rows of its own."
        ),
        patch=_larger(case) if case.facts.rows * _DEFAULT_SPLIT >= FEW_ROWS else (),
    )


def class_missing(case: Case) -> Iterator[Finding]:
    """Classes so rare that a part may get no row of them.

    With "split": "last" the profile does not say which rows the last ones are; only where there are
    fewer than classes, one has to be missing.
    """
    fit, classes = case.spec.fit, case.facts.classes
    parts = fit.split_rows(case.facts.rows)
    if classes is None or not parts.validation:
        return
    if fit.split == "last":
        if min(parts) < len(classes):
            told = f"the smaller part has {min(parts)} rows, fewer than the {len(classes)} classes"
            yield _missing(f"With the last rows for validation {told}.")
        return
    share = min(parts) / case.facts.rows
    rare = [
        (label, rows)
        for label, rows in zip(classes, case.facts.class_rows, strict=False)
        if rows * share < 1
    ]
    if rare:
        named = ", ".join(f"{label!r} ({rows})" for label, rows in rare[:MAX_NAMED])
        more = f" and {len(rare) - MAX_NAMED} more" if len(rare) > MAX_NAMED else ""
        part = "validation" if parts.validation <= parts.training else "training"
        yield _missing(f"So few rows that {part} may get none have the classes {named}{more}.")


def compared_without_validation(case: Case) -> Iterator[Finding]:
    """Settings that are ranked by the very rows they are trained on."""
    if case.compared and not case.spec.fit.validation_split:
        yield Finding(
            code="no_validation",
            severity="warning",
            pointer="/fit/validation_split",
            evidence="No row validates, so settings are compared by the loss of the training rows.",
            explanation=(
                "There the network that learns rows by heart does best, whatever it makes of "
                "others."
            ),
            advice="Set some rows apart.",
            patch=_larger(case),
        )


def monitor_of_training(case: Case) -> Iterator[Finding]:
    """Early stopping that watches the training rows. A val_ metric without such rows is refused."""
    stopping = case.spec.fit.early_stopping
    if stopping is None or stopping.monitor.startswith("val_"):
        return
    validated = bool(case.spec.fit.validation_split)
    yield Finding(
        code="monitor_of_training",
        severity="warning",
        pointer="/fit/early_stopping/monitor",
        evidence=f"Early stopping watches {stopping.monitor}, of the training rows.",
        explanation=(
            "That goes on improving while the network learns rows by heart, so it neither stops "
            "nor restores the weights before that."
        ),
        advice="Watch the same of the validation rows.",
        patch=replace("/fit/early_stopping/monitor", f"val_{stopping.monitor}")
        if validated
        else (),
    )


def _error(case: Case, rows: int) -> str:
    """How far off a score of so few rows may be."""
    if case.facts.classes is None:
        return f"the standard error of their mean loss is {100 / sqrt(rows):.0f} % of its spread"
    return f"the standard error of an accuracy is up to {50 / sqrt(rows):.0f} points then"


def _larger(case: Case) -> Patch:
    """Validate on the usual share, where enough rows are left for a batch."""
    training = floor(case.facts.rows * (1.0 - _DEFAULT_SPLIT))
    fits = case.spec.fit.batch_size <= training
    return replace("/fit/validation_split", _DEFAULT_SPLIT) if fits else ()


def _missing(evidence: str) -> Finding:
    return Finding(
        code="class_missing",
        severity="warning",
        pointer="/fit/validation_split",
        evidence=evidence,
        explanation="What is not trained on is never predicted, and what is not validated on never "
        "counts.",
        advice="Add rows of these classes, join them with others, or take a larger part.",
    )
