"""What was found in the trials of an experiment, and how far each fault spread among them.

Ten thousand trials have 30 MB of findings, and are asked about while their experiment is locked: so
the database counts, and no more of them is read than will be told.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import (
    JSON,
    ColumnElement,
    TableValuedAlias,
    and_,
    case,
    column,
    distinct,
    func,
    select,
    true,
)
from sqlalchemy.orm import Session

from models.findings import Finding, Spread
from models.lifecycle import JUDGED
from models.tables.trials import TrialRow


def of(
    tx: Session, experiment_id: str, numbers: Collection[int] | None = None
) -> Mapping[int, tuple[Finding, ...]]:
    """What was found in each trial that was judged, by number; nothing in the healthy ones.

    Only in these trials where `numbers` are given.
    """
    rows = tx.execute(
        select(TrialRow.number, TrialRow.findings)
        .where(
            _judged(experiment_id),
            true() if numbers is None else TrialRow.number.in_(numbers),
        )
        .order_by(TrialRow.number)
    )
    return {
        number: tuple(Finding.model_validate(finding) for finding in found or ())
        for number, found in rows
    }


def coded(
    tx: Session, experiment_id: str, codes: Collection[str]
) -> Mapping[int, tuple[Finding, ...]]:
    """What was found with one of these codes, by number of the trial; trials without left out."""
    each = _each(tx)
    rows = tx.execute(
        select(TrialRow.number, each.c.value)
        .join(each, true())
        .where(_judged(experiment_id), each.c.value["code"].as_string().in_(codes))
        .order_by(TrialRow.number)
    )
    found: dict[int, tuple[Finding, ...]] = {}
    for number, finding in rows:
        found[number] = (*found.get(number, ()), Finding.model_validate(finding))
    return found


def judged(tx: Session, experiment_id: str) -> int:
    """How many trials were judged, the healthy ones among them."""
    query = select(func.count()).select_from(TrialRow).where(_judged(experiment_id))
    return tx.scalar(query) or 0


def spread(tx: Session, experiment_id: str) -> tuple[Spread, ...]:
    """Where each fault is that is more than informational and no consequence of another."""
    each = _each(tx)
    code, severity, cause = (
        each.c.value[field].as_string() for field in ("code", "severity", "consequence_of")
    )
    rows = tx.execute(
        select(
            code,
            func.count(distinct(TrialRow.number)),
            func.min(case((severity == "problem", TrialRow.number))),
        )
        .join(each, true())
        .where(_judged(experiment_id), severity != "info", cause.is_(None))
        .group_by(code)
        .order_by(code)
    )
    return tuple(Spread(*row) for row in rows)


def _judged(experiment_id: str) -> ColumnElement[bool]:
    return and_(TrialRow.experiment_id == experiment_id, TrialRow.stop_reason.in_(JUDGED))


def _each(tx: Session) -> TableValuedAlias:
    """The findings of a trial, one a row: what both databases have and name differently."""
    of_postgresql = tx.get_bind().dialect.name == "postgresql"
    elements = func.json_array_elements if of_postgresql else func.json_each
    return elements(TrialRow.findings).table_valued(column("value", JSON), name="finding")
