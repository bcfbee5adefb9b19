"""What validation rows cost by the networks of trials: kept at a trial's end, read for comparisons.

64 KiB of a trial at most, so whoever reads them says of which.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models.tables.trials import RowLossesRow, TrialRow
from models.trial import TrialResult
from store.fence import Lease
from store.outcomes import RowLosses


def keep(tx: Session, lease: Lease, found: RowLosses) -> None:
    """Store those of a fenced trial that comes to its end."""
    tx.execute(
        insert(RowLossesRow).values(trial_id=lease.trial_id, rows=found.rows, losses=found.values)
    )


def attached(
    tx: Session, experiment_id: str, results: Sequence[TrialResult], numbers: Collection[int]
) -> tuple[TrialResult, ...]:
    """The results, those of these trials with their row losses, as far as there are any."""
    # Imported when the first trials are compared: the API need not wait for NumPy at its start.
    import numpy as np  # noqa: PLC0415

    rows = tx.execute(
        select(TrialRow.number, RowLossesRow.losses)
        .join(RowLossesRow, RowLossesRow.trial_id == TrialRow.id)
        .where(TrialRow.experiment_id == experiment_id, TrialRow.number.in_(numbers))
    )
    found = {number: np.frombuffer(losses, dtype="<f4") for number, losses in rows}
    return tuple(
        replace(result, row_losses=found[result.number]) if result.number in found else result
        for result in results
    )
