"""Files that no row names go; what is named, young or of an attempt that goes on stays."""

import threading
from pathlib import Path

import pytest

from models.specs.experiment import Device
from store import checkpoints, keys, leases
from store.claims import Claim
from store.fence import Lease
from tests.worker.site import Site
from tests.worker.specs import small
from worker.collect import Collector

FILES = "experiments"


def claim(here: Site) -> Claim:
    with here.database.transaction() as tx:
        found = leases.claim(tx, worker="test", device=Device.CPU)
    assert found is not None
    return found


def put(here: Site, key: str, tmp_path: Path) -> str:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    here.artifacts.put(key, path)
    return key


def checkpoint(here: Site, lease: Lease, epoch: int, tmp_path: Path) -> str:
    """A checkpoint with its row."""
    key = keys.checkpoint(lease.experiment_id, lease.number, lease.attempt, epoch)
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with here.database.transaction() as tx:
        checkpoints.register(tx, lease, epoch, here.artifacts.put(key, path))
    return key


def collect(here: Site, age: float) -> set[str]:
    """What is left of the experiments and the uploads afterwards."""
    drain = threading.Event()
    Collector(database=here.database, artifacts=here.artifacts, drain=drain, age=age).collect()
    return {*here.artifacts.keys(FILES), *here.artifacts.keys(keys.UPLOADS)}


@pytest.mark.parametrize("age", [0.0, 3600.0])
def test_what_no_row_names_goes_when_it_is_old_enough(
    here: Site, tmp_path: Path, age: float
) -> None:
    experiment_id = here.submit(small(here.table()))
    first = claim(here).lease
    named = checkpoint(here, first, 3, tmp_path)
    orphan = put(here, keys.checkpoint(experiment_id, 1, 1, 4), tmp_path)
    gone = put(here, keys.network("exp_gone", 1, 1), tmp_path)
    upload = put(here, keys.new_upload(), tmp_path)
    going_on = collect(here, age)
    with here.database.transaction() as tx:
        leases.release(tx, first, "a test")
    fresh = claim(here).lease
    unwritten = put(here, keys.network(experiment_id, 1, fresh.attempt), tmp_path)

    left = collect(here, age)

    rubbish = set() if age else {gone, upload}
    assert going_on == {named, orphan, gone, upload} - rubbish
    assert left == {named, orphan, gone, upload, unwritten} - rubbish - (set() if age else {orphan})
    assert [found.key for found in claim_again(here, fresh)] == [named]


def test_a_file_that_is_none_of_ours_keeps_no_other_from_being_collected(
    here: Site, tmp_path: Path
) -> None:
    put(here, keys.network("exp_gone", 1, 1), tmp_path)
    (tmp_path / "experiments" / "exp_gone" / "1" / "1" / ".nfs000012").write_bytes(b"x")
    assert collect(here, 0.0) == set()


def claim_again(here: Site, lease: Lease) -> tuple[checkpoints.Checkpoint, ...]:
    with here.database.snapshot() as tx:
        return checkpoints.of(tx, lease)


def test_a_collector_that_is_to_end_ends(here: Site, tmp_path: Path) -> None:
    gone = put(here, keys.network("exp_gone", 1, 1), tmp_path)
    drain = threading.Event()
    drain.set()
    Collector(database=here.database, artifacts=here.artifacts, drain=drain, age=0.0).collect()
    assert list(here.artifacts.keys(FILES)) == [gone]
