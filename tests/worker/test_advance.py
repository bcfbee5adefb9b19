"""What follows from a trial's end, also where it cannot be decided."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from epochd.embedded.leash import Leash
from models.lifecycle import State
from models.specs.experiment import Device
from models.tables.experiments import ExperimentRow
from store import experiments, leases
from tests.worker.site import OWNER, Site, site
from tests.worker.specs import small
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
