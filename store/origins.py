"""The finding that an experiment is derived from: checked when it is submitted, read at its end."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import Invalid, Issue
from models.specs.experiment import ExperimentSpec
from models.specs.health import Origin
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from models.trial import JudgedTrial, changed
from store import findings, history, row_losses


def check(tx: Session, *, owner: str, origin: Origin) -> None:
    """Make sure that there is such a finding.

    Raises:
        Invalid: there is not, or it is not this owner's.
    """
    experiment = tx.execute(
        select(ExperimentRow.id, ExperimentRow.findings, ExperimentRow.warnings).where(
            ExperimentRow.id == origin.experiment, ExperimentRow.owner == owner
        )
    ).one_or_none()
    if experiment is None:
        raise _unknown("experiment", f"There is no experiment {origin.experiment}.")
    trial = tx.execute(
        select(TrialRow.findings).where(
            TrialRow.experiment_id == origin.experiment, TrialRow.number == origin.trial
        )
    ).one_or_none()
    if trial is None:
        what = f"There is no trial {origin.trial} of {origin.experiment}."
        raise _unknown("trial", what)
    found = (*(trial.findings or ()), *(experiment.findings or ()), *(experiment.warnings or ()))
    codes = list(dict.fromkeys(finding["code"] for finding in found))
    if origin.finding not in codes:
        what = f"{origin.finding} was not found in trial {origin.trial} of {origin.experiment}."
        raise _unknown("finding", what, codes)


def read(tx: Session, *, owner: str, origin: Origin) -> JudgedTrial | None:
    """That trial as it is now; None where it was deleted.

    Raises:
        AttributeError, LookupError, TypeError, pydantic.ValidationError: its spec is that of
            another version of the service.
    """
    mine = ExperimentRow.owner == owner
    spec = tx.scalar(select(ExperimentRow.spec).where(ExperimentRow.id == origin.experiment, mine))
    numbers = {origin.trial}
    results = history.results(tx, origin.experiment, numbers)
    if spec is None or not results:
        return None
    (result,) = row_losses.attached(tx, origin.experiment, results, numbers)
    found = findings.of(tx, origin.experiment, numbers).get(origin.trial, ())
    return JudgedTrial(
        spec=changed(ExperimentSpec.model_validate(spec), result.changes),
        result=result,
        codes=frozenset(finding.code for finding in found),
    )


def _unknown(field: str, message: str, allowed: Sequence[str] = ()) -> Invalid:
    return Invalid([Issue(f"/derived_from/{field}", f"unknown_{field}", message, tuple(allowed))])
