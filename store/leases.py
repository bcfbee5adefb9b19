"""A worker's time-limited right to a trial: claimed, renewed, given back, or taken away.

`Lease.attempt` is the fencing token: every verb first asks whether that attempt still holds the
trial. Nothing here commits, and no time comes from this host's clock.
"""

import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue, ValidationError
from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from models.lifecycle import HELD, State, TrialMove
from models.specs.experiment import Device
from models.tables.experiments import ExperimentRow
from models.tables.trials import TrialRow
from store import claims, endings, epochs, events
from store.claims import Claim
from store.clock import now
from store.events import Fact
from store.fence import Lease, fence, held, held_by_one_of
from store.outcomes import Cancelled, Expired, Failed, Outcome

log = logging.getLogger(__name__)

# A worker that is silent for this long is taken for dead, unless settings say otherwise.
LEASE_SECONDS = 30.0

# A trial that takes its worker or trainer down this often is given up.
MAX_CRASHES = 3

# A claim that fails this often in a row lost each time to another claim, so work is being done.
_CLAIM_ROUNDS = 50


class Order(StrEnum):
    """What a worker is to do with the trial it holds."""

    GO_ON = "go_on"
    CANCEL = "cancel"


def claim(
    tx: Session, *, worker: str, device: Device, lease_seconds: float = LEASE_SECONDS
) -> Claim | None:
    """Take the next trial: of the most urgent, then oldest experiment with a free place.

    One whose row another transaction holds at this moment is passed over while there is another.
    Must come first in its transaction: it may wait for another claim, and may hold no lock then.
    The worker gets trials for its own device and for any. Those whose stored spec cannot be read,
    say after an upgrade, are failed on the way: their experiments have to be advanced.

    Returns:
        The trial, now running; None when there is nothing to do.
    """
    may_wait = True
    for _ in range(_CLAIM_ROUNDS):
        unlocked = tx.connection().begin_nested()  # the commit releases it: that costs nothing
        experiment_id = claims.lock_next(tx, device, wait=may_wait)
        if experiment_id is None:
            return None
        oldest = claims.oldest_of(tx, experiment_id)
        if oldest is None:
            unlocked.rollback()  # what was claimable a moment ago no longer is
            continue
        try:
            return claims.start(tx, experiment_id, oldest, worker, lease_seconds)
        except ValidationError as error:
            log.exception("what is stored of %s cannot be read", experiment_id)
            claims.end_unreadable(tx, experiment_id, error)
            may_wait = False  # it stays locked until the commit
    return None


def renew(
    tx: Session, leases: Collection[Lease], lease_seconds: float = LEASE_SECONDS
) -> frozenset[Lease]:
    """Keep trials for another while, in one statement that waits for no lock.

    Returns:
        Those that were renewed. The others are lost, or another transaction holds their rows at
        this moment: `orders` tells which, and those are to be renewed a little later.
    """
    free = (
        select(TrialRow.id)
        .where(held_by_one_of(leases))
        .order_by(TrialRow.id)
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    renewed = set(
        tx.scalars(
            update(TrialRow)
            .where(TrialRow.id.in_(select(free.c.id)))
            .values(lease_until=now(lease_seconds))
            .returning(TrialRow.id)
        )
    )
    return frozenset(lease for lease in leases if lease.trial_id in renewed)


def orders(tx: Session, leases: Collection[Lease]) -> Mapping[Lease, Order]:
    """What to do now with each of these trials, by one cheap read; the lost ones are left out."""
    rows = tx.execute(select(TrialRow.id, TrialRow.state).where(held_by_one_of(leases)))
    states = dict(rows.all())
    return {
        lease: Order.CANCEL if states[lease.trial_id] is State.CANCELLING else Order.GO_ON
        for lease in leases
        if lease.trial_id in states
    }


def describe(tx: Session, lease: Lease, engine: Mapping[str, JsonValue]) -> None:
    """Say how the trial is being trained.

    Raises:
        LeaseLost: another attempt owns it, or nobody.
    """
    fence(tx, lease)
    tx.execute(update(TrialRow).where(held(lease)).values(engine=dict(engine)))


def tell(tx: Session, lease: Lease, kind: str, reason: str) -> None:
    """Write a fact of this attempt into the history.

    Raises:
        LeaseLost: another attempt owns it, or nobody.
    """
    fence(tx, lease)
    worker = tx.scalar(select(TrialRow.worker).where(held(lease)))
    fact = Fact(kind=kind, reason=reason, trial=lease.number, attempt=lease.attempt, worker=worker)
    events.append(tx, lease.experiment_id, [fact])


def release(tx: Session, lease: Lease, reason: str) -> State:
    """Give the trial back unfinished, as on a drain; no crash is counted.

    Returns:
        queued, or cancelled when a cancel was asked for.

    Raises:
        LeaseLost: another attempt owns it, or nobody.
    """
    state = fence(tx, lease)
    return endings.give_up(tx, lease, state, TrialMove.RELEASE, reason=reason, outcome="released")


def crashed(tx: Session, lease: Lease, failure: Failed, max_crashes: int = MAX_CRASHES) -> State:
    """Its trainer died. Another attempt may do better, but not for ever.

    Returns:
        queued; cancelled when a cancel was asked for; failed with `failure` after the last crash
        that is allowed.

    Raises:
        LeaseLost: another attempt owns it, or nobody.
    """
    state = fence(tx, lease)
    crashes = tx.scalars(
        update(TrialRow)
        .where(held(lease))
        .values(crashes=TrialRow.crashes + 1)
        .returning(TrialRow.crashes)
    ).one()
    if state is State.RUNNING and crashes >= max_crashes:
        return endings.end(tx, lease, state, endings.given_up(failure, crashes, max_crashes))
    reason = f"{failure.problem.detail} That was crash {crashes} of {max_crashes}."
    return endings.give_up(
        tx, lease, state, TrialMove.EXPIRE, reason=reason, outcome=failure.stop_reason
    )


def finish(tx: Session, lease: Lease, outcome: Outcome, *, resumed: int = 0) -> State:
    """Write how the trial ended. Its experiment has to be advanced in the same transaction.

    `resumed` is the last epoch of the checkpoint that the attempt went on from, if it did.

    Returns:
        Its last state. A trial whose cancel was asked for ends as cancelled whatever it came to:
        that is what the client has been told.

    Raises:
        LeaseLost: another attempt owns it, or nobody.
        IllegalMove: the outcome is Cancelled, though nobody asked for that.
    """
    state = fence(tx, lease)
    epochs.settle(tx, lease, resumed)
    return endings.end(tx, lease, state, Cancelled() if state is State.CANCELLING else outcome)


def expire(
    tx: Session,
    max_crashes: int = MAX_CRASHES,
    lease_seconds: float = LEASE_SECONDS,
    *,
    before: datetime | None = None,
) -> tuple[Expired, ...]:
    """Take back every trial whose lease has run out, and count a crash for each.

    The experiments of those that failed or were cancelled have to be advanced. What another
    transaction holds at this moment is left for the next time.

    Args:
        tx: the transaction.
        max_crashes: the last that a trial survives is one less.
        lease_seconds: how long their workers were silent, for the history.
        before: when the leases must have run out, by the database's clock. None is the time at
            which the database gets to it: whoever may have waited for that asked it before.
    """
    until = now() if before is None else before
    overdue = and_(TrialRow.lease_until < until, TrialRow.state.in_(HELD))
    ids = tx.scalars(select(TrialRow.experiment_id).where(overdue).distinct()).all()
    locked = tx.scalars(
        select(ExperimentRow.id)
        .where(ExperimentRow.id.in_(ids))
        .order_by(ExperimentRow.id)
        .with_for_update(skip_locked=True)
    ).all()
    trials = tx.scalars(
        select(TrialRow)
        .where(overdue, TrialRow.experiment_id.in_(locked))
        .order_by(TrialRow.experiment_id, TrialRow.number)
        .with_for_update(skip_locked=True)
    ).all()
    return tuple(endings.expire(tx, trial, max_crashes, lease_seconds) for trial in trials)
