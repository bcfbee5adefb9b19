"""What follows from a trial's end, also where it cannot be decided."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from epochd.embedded.leash import Leash
from models.lifecycle import State, StopReason
from models.specs.experiment import Device
from models.tables.experiments import ExperimentRow
from store import epochs, experiments, leases
from store.epochs import EpochRecord
from store.outcomes import Succeeded
from tests.worker.site import OWNER, Site, site
from tests.worker.specs import small
from worker.advance import advance
from worker.sweep import Sweeper
from worker.timing import Timing


@pytest.fixture
def here(database_url: str, broker_url: str, leash: Leash, tmp_path: Path) -> Iterator[Site]:
    """A site without worker processes."""
    with site(
        database_url=database_url, broker_url=broker_url, folder=tmp_path, leash=leash
    ) as made:
        yield made


def _state(here: Site, experiment_id: str) -> tuple[State, bool]:
    """Where it stands, and whether it has an error; its view needs a spec that can be read."""
    with here.database.snapshot() as tx:
        row = tx.scalars(select(ExperimentRow).where(ExperimentRow.id == experiment_id)).one()
        return row.state, row.error is not None


def _break(here: Site, experiment_id: str) -> None:
    """Store a spec that no version can read."""
    with here.database.transaction() as tx:
        tx.execute(update(ExperimentRow).where(ExperimentRow.id == experiment_id).values(spec={}))


@pytest.mark.parametrize("cancelled", [True, False])
def test_an_experiment_that_cannot_go_on_ends_and_holds_up_no_other(
    here: Site, *, cancelled: bool
) -> None:
    broken, sound = (here.submit(small(here.table()), ring=False) for _ in range(2))
    for _ in range(2):
        with here.database.transaction() as tx:
            assert leases.claim(tx, worker="gone", device=Device.CPU, lease_seconds=0.0)
    with here.database.transaction() as tx:
        experiments.cancel(tx, owner=OWNER, experiment_id=sound)
        if cancelled:
            experiments.cancel(tx, owner=OWNER, experiment_id=broken)
    _break(here, broken)
    if not cancelled:
        with here.database.transaction() as tx:
            leases.expire(tx, max_crashes=1)

    Sweeper(database=here.database, doorbell=here.doorbell, timing=Timing(lease=0.0)).sweep()

    assert _state(here, sound) == (State.CANCELLED, False)
    assert _state(here, broken) == ((State.CANCELLED, False) if cancelled else (State.FAILED, True))


def test_an_experiment_cancelled_between_two_trials_still_says_what_it_showed(here: Site) -> None:
    rates = {"strategy": "learning_rates", "values": [0.001, 0.01]}
    experiment_id = here.submit(small(here.table(), search=rates), ring=False)
    with here.database.transaction() as tx:
        claim = leases.claim(tx, worker="worker", device=Device.CPU)
    assert claim is not None
    row = EpochRecord(epoch=1, metrics={"val_loss": 0.5}, learning_rate=0.001, seconds=0.1)
    with here.database.transaction() as tx:
        epochs.append(tx, claim.lease, [row])
        leases.finish(tx, claim.lease, Succeeded(stop_reason=StopReason.COMPLETED))
        advance(tx, experiment_id)

    with here.database.transaction() as tx:
        experiments.cancel(tx, owner=OWNER, experiment_id=experiment_id)
    with here.database.transaction() as tx:
        advance(tx, experiment_id)

    view = here.experiment(experiment_id)
    assert view.state is State.CANCELLED
    assert view.conclusion is not None
    assert view.conclusion.winner is not None
    assert view.conclusion.winner.trial == 1
