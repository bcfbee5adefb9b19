"""How far the trials of an experiment had come by one epoch: what pruning compares.

Asked while trials train, so it is one statement that only reads, over a bounded number of trials.
"""

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from models.lifecycle import State, StopReason
from models.monitor import Monitored
from models.tables.trials import EpochRow, TrialRow
from models.trial import Reached
from store.fence import Lease

# Trials on either side, by number: enough to compare with, and few enough to be read in a moment.
NEIGHBOURS = 100


def reached(tx: Session, lease: Lease, epoch: int, judged: Monitored) -> tuple[Reached, ...]:
    """Where the trial and its neighbours stood by then, by number.

    Those are left out that have neither trained so many epochs nor come to an end of their own,
    those that diverged, and those without a finite value.
    """
    value = EpochRow.metrics[judged.metric].as_float()
    best = (func.min if judged.mode == "min" else func.max)(value)
    ended = and_(TrialRow.state == State.SUCCEEDED, TrialRow.stop_reason != StopReason.DIVERGED)
    rows = tx.execute(
        select(
            TrialRow.number,
            TrialRow.candidate,
            TrialRow.repeat,
            TrialRow.stop_reason,
            func.max(EpochRow.epoch),
            best,
            func.avg(value),
        )
        .join(EpochRow, EpochRow.trial_id == TrialRow.id)
        .where(
            TrialRow.experiment_id == lease.experiment_id,
            TrialRow.number.between(lease.number - NEIGHBOURS, lease.number + NEIGHBOURS),
            or_(TrialRow.epochs_done >= epoch, ended),
            EpochRow.epoch <= epoch,
        )
        .group_by(TrialRow.id)
        .having(best.is_not(None))
        .order_by(TrialRow.number)
    )
    return tuple(
        Reached(
            number=number,
            candidate=candidate,
            repeat=repeat,
            stop_reason=stop_reason,
            epochs=epochs,
            best=best,
            mean=mean,
        )
        for number, candidate, repeat, stop_reason, epochs, best, mean in rows
    )
