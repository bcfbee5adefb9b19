"""The judge finds what it is there to find: each wrong is done on purpose, past the store."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, update

from api import trial_health
from models.lifecycle import State, StopReason
from models.tables.trials import EpochRow, MeasurementRow, TrialRow
from store import trainings
from store.clock import now
from store.database import Database
from store.fence import Lease
from store.outcomes import Succeeded
from tests.faults import audit
from tests.faults.client import Accepted, SeenEpoch, SeenTrial, seen_health
from tests.faults.judge import Judge, Verdict
from tests.faults.plan import Order
from tests.faults.reference import Reference
from tests.store.scenes import OWNER, Scene, epoch

SEED = 7
ROWS = tuple(SeenEpoch(number, (("val_loss", 1.0 / number),), 0.1) for number in (1, 2, 3))
ORDER = Order(key="order", recipe="recipe", seed=SEED, trials=1)


@pytest.fixture
def here(database_url: str) -> Iterator[Scene]:
    database = Database(database_url)
    audit.install(database)
    made = Scene(database)
    made.add_dataset()
    yield made
    database.dispose()


def trained(here: Scene) -> Lease:
    """A trial whose second attempt trained all of it; the lease of the first."""
    here.submit(1)
    stale = here.must_claim(seconds=-1.0)
    here.append(stale, epoch(1, 1.0))
    with here.database.transaction() as tx:
        tx.execute(update(TrialRow).values(state=State.QUEUED))
    lease = here.must_claim()
    here.append(lease, *(epoch(number, 1.0 / number) for number in (1, 2, 3)))
    return stale


def verdict(here: Scene, lease: Lease, folder: Path, health: str | None = None) -> Verdict:
    accepted = Accepted(ORDER, lease.experiment_id, [SeenTrial(1, list(ROWS), is_terminal=True)])
    references = {("recipe", SEED): Reference(ROWS, "no weights", health)}
    return Judge(here.database, folder, references).judge([accepted], Counter())


def finish(here: Scene, stale: Lease) -> None:
    lease = Lease(
        trial_id=stale.trial_id,
        experiment_id=stale.experiment_id,
        number=stale.number,
        attempt=stale.attempt + 1,
    )
    here.finish(lease, Succeeded(stop_reason=StopReason.COMPLETED))


def test_a_trial_that_never_ended_is_lost(here: Scene, tmp_path: Path) -> None:
    assert verdict(here, trained(here), tmp_path).lost == 1


def test_an_epoch_that_is_not_there_is_missing(here: Scene, tmp_path: Path) -> None:
    lease = trained(here)
    finish(here, lease)
    with here.database.transaction() as tx:
        tx.execute(delete(EpochRow).where(EpochRow.epoch == 2))

    found = verdict(here, lease, tmp_path)

    assert (found.epochs_missing, found.epochs_wrong, found.stale_writes) == (1, 0, 0)


def test_an_epoch_with_another_value_is_wrong(here: Scene, tmp_path: Path) -> None:
    lease = trained(here)
    with here.database.transaction() as tx:
        changed = update(EpochRow).where(EpochRow.epoch == 3)
        tx.execute(changed.values(metrics={"val_loss": 1 / 3 + 1e-16}))
    finish(here, lease)

    found = verdict(here, lease, tmp_path)

    assert (found.epochs_missing, found.epochs_wrong, found.stale_writes) == (0, 1, 0)


def test_an_epoch_written_by_an_attempt_that_lost_its_lease_is_a_stale_write(
    here: Scene, tmp_path: Path
) -> None:
    lease = trained(here)
    row = {"trial_id": lease.trial_id, "attempt": lease.attempt, "epoch": 4}
    with here.database.transaction() as tx:
        tx.execute(insert(EpochRow).values(**row, metrics={}, seconds=0.1, finished_at=now()))
    finish(here, lease)

    assert verdict(here, lease, tmp_path).stale_writes == 1


def test_an_epoch_written_after_the_end_is_a_stale_write(here: Scene, tmp_path: Path) -> None:
    lease = trained(here)
    finish(here, lease)
    with here.database.transaction() as tx:
        tx.execute(update(EpochRow).where(EpochRow.epoch == 1).values(seconds=0.2))

    assert verdict(here, lease, tmp_path).stale_writes == 1


def test_a_history_that_leaves_out_a_move_breaks_the_rules(here: Scene, tmp_path: Path) -> None:
    lease = trained(here)  # it went back into the queue without an event
    finish(here, lease)

    assert verdict(here, lease, tmp_path).illegal_histories == 1


def test_a_network_that_is_not_there_differs(here: Scene, tmp_path: Path) -> None:
    lease = trained(here)
    finish(here, lease)

    assert verdict(here, lease, tmp_path).weights_differ == 1


def test_a_judgement_other_than_undisturbed_differs(here: Scene, tmp_path: Path) -> None:
    lease = trained(here)
    finish(here, lease)
    with here.database.snapshot() as tx:
        training = trainings.get(tx, owner=OWNER, experiment_id=lease.experiment_id, number=1)
    view = trial_health.view(lease.experiment_id, training).model_dump(mode="json")
    health = seen_health(view | {"trial": 3})

    assert verdict(here, lease, tmp_path, health).health_differs == 0
    check = view["checks"][0] | {"reason": "Because."}
    other = seen_health(view | {"checks": [check, *view["checks"][1:]]})
    assert verdict(here, lease, tmp_path, other).health_differs == 1


def test_a_measurement_that_was_lost_differs(here: Scene, tmp_path: Path) -> None:
    lease = trained(here)
    measured = {"rows": 8, "layers": [], "loss": 1.0, "prior": 1.0, "largest_input": 1.0}
    row = {"trial_id": lease.trial_id, "attempt": lease.attempt + 1, "epoch": 1}
    with here.database.transaction() as tx:
        tx.execute(insert(MeasurementRow).values(**row, values=measured))
    finish(here, lease)
    with here.database.snapshot() as tx:
        training = trainings.get(tx, owner=OWNER, experiment_id=lease.experiment_id, number=1)
    health = seen_health(trial_health.view(lease.experiment_id, training).model_dump(mode="json"))
    assert verdict(here, lease, tmp_path, health).health_differs == 0

    with here.database.transaction() as tx:
        tx.execute(delete(MeasurementRow))

    assert verdict(here, lease, tmp_path, health).health_differs == 1
