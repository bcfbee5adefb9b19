"""The history of an experiment says who did what, in which attempt, and why."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from models.lifecycle import StopReason
from models.views.base import Problem
from models.views.experiment import EventView
from store import events, leases, trials
from store.fence import Lease
from store.outcomes import Cancelled, Failed, Succeeded
from tests.store.scenes import OWNER, Scene

DONE = Succeeded(stop_reason=StopReason.COMPLETED)
KILLED = Failed(
    stop_reason=StopReason.WORKER_LOST,
    problem=Problem(title="Lost", detail="Its trainer was killed.", code="worker_lost"),
)


def _of_trials(scene: Scene, experiment_id: str) -> list[EventView]:
    with scene.database.snapshot() as tx:
        page = events.after(tx, owner=OWNER, experiment_id=experiment_id, after=0, limit=500)
    return [event for event in page.data if event.trial is not None]


def _cancel(tx: Session, lease: Lease) -> None:
    trials.cancel(tx, owner=OWNER, experiment_id=lease.experiment_id, number=lease.number)


def _cancel_and_end(tx: Session, lease: Lease) -> None:
    _cancel(tx, lease)
    leases.finish(tx, lease, Cancelled())


Leave = Callable[[Session, Lease], object]


@pytest.mark.parametrize(
    ("leave", "kind", "reason"),
    [
        (lambda tx, lease: leases.finish(tx, lease, DONE), "succeeded", "All epochs were trained."),
        (lambda tx, lease: leases.finish(tx, lease, KILLED), "failed", "Its trainer was killed."),
        (
            lambda tx, lease: leases.crashed(tx, lease, KILLED, max_crashes=3),
            "queued",
            "Its trainer was killed. That was crash 1 of 3.",
        ),
        (
            lambda tx, lease: leases.release(tx, lease, "Its worker was told to end."),
            "queued",
            "Its worker was told to end.",
        ),
        (
            lambda tx, _: leases.expire(tx, max_crashes=3, lease_seconds=30),
            "queued",
            "Its worker was silent for more than 30 s. That was crash 1 of 3.",
        ),
        (
            lambda tx, _: leases.expire(tx, max_crashes=1),
            "failed",
            (
                "Its worker was silent for more than 30 s. That was crash 1 of 1, so it is given "
                "up: look into the logs of its workers, and submit it again when the cause is "
                "mended."
            ),
        ),
        (_cancel, "cancelling", "A client cancelled the trial."),
        (_cancel_and_end, "cancelled", "Its trainer has ended after the cancel."),
    ],
)
def test_whatever_happens_to_a_held_trial_names_its_holder(
    scene: Scene, leave: Leave, kind: str, reason: str
) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim("holder", seconds=-1)

    with scene.database.transaction() as tx:
        leave(tx, lease)

    last = _of_trials(scene, experiment_id)[-1]
    assert (last.kind, last.attempt, last.worker) == (f"trial.{kind}", 1, "holder")
    assert last.reason == reason


def test_a_second_attempt_is_told_from_the_first(scene: Scene) -> None:
    experiment_id = scene.submit()
    for worker in ("first", "second"):
        lease = scene.must_claim(worker)
        with scene.database.transaction() as tx:
            leases.release(tx, lease, "Its worker was told to end.")

    started = [e for e in _of_trials(scene, experiment_id) if e.kind == "trial.running"]

    assert [(event.attempt, event.worker) for event in started] == [(1, "first"), (2, "second")]
    assert [event.reason for event in started] == [
        "Claimed by first.",
        "Claimed again, as attempt 2, by second.",
    ]


def test_what_nobody_held_names_nobody(scene: Scene) -> None:
    experiment_id = scene.submit()
    lease = scene.must_claim("holder")
    with scene.database.transaction() as tx:
        leases.release(tx, lease, "Its worker was told to end.")
        _cancel(tx, lease)

    last = _of_trials(scene, experiment_id)[-1]

    assert (last.kind, last.worker) == ("trial.cancelled", None)
