"""Datasets: one for equal content, read by one worker, deleted when nobody needs them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.errors import (
    DatasetFailed,
    DatasetInUse,
    DatasetProcessing,
    IllegalMove,
    LeaseLost,
    NotFound,
)
from models.lifecycle import DatasetState, State
from models.views.base import Problem
from models.views.dataset import DatasetView
from store import clock, datasets, experiments, ingest, searches
from store.ingest import IngestClaim
from tests.store.scenes import OWNER, PROFILE, Scene

UNREADABLE = Problem(title="Unreadable", detail="Line 3 has 4 cells.", code="unreadable_dataset")
SHA = "a" * 64


def _upload(
    scene: Scene, sha256: str = SHA, owner: str = OWNER, key: str = "uploads/1"
) -> tuple[DatasetView, bool]:
    with scene.database.transaction() as tx:
        return datasets.upload(tx, owner=owner, name="d.csv", sha256=sha256, size=9, key=key)


def _claim(scene: Scene, dataset_id: str, seconds: float = 30) -> IngestClaim | None:
    with scene.database.transaction() as tx:
        return ingest.claim(tx, dataset_id, "control", seconds)


def _must_claim(scene: Scene, dataset_id: str, seconds: float = 30) -> IngestClaim:
    claim = _claim(scene, dataset_id, seconds)
    assert claim is not None
    return claim


def _ready(scene: Scene, claim: IngestClaim) -> str | None:
    with scene.database.transaction() as tx:
        return ingest.ready(tx, claim, profile=PROFILE, folder=f"datasets/{claim.sha256}/1")


def _fail(scene: Scene, claim: IngestClaim) -> tuple[str, ...]:
    with scene.database.transaction() as tx:
        return ingest.fail(tx, claim, UNREADABLE)


def _get(scene: Scene, dataset_id: str, owner: str = OWNER) -> DatasetView:
    with scene.database.snapshot() as tx:
        return datasets.get(tx, owner=owner, dataset_id=dataset_id)


def _delete(scene: Scene, dataset_id: str, owner: str = OWNER) -> tuple[str, ...]:
    with scene.database.transaction() as tx:
        return datasets.delete(tx, owner=owner, dataset_id=dataset_id)


def test_equal_content_of_one_owner_is_one_dataset(scene: Scene) -> None:
    first, created = _upload(scene)
    again, created_again = _upload(scene, key="uploads/2")
    others, created_for_other = _upload(scene, owner="other")
    assert (created, created_again, created_for_other) == (True, False, True)
    assert again.id == first.id != others.id


def test_equal_uploads_at_once_make_one_dataset(scene: Scene) -> None:
    start = threading.Barrier(4)

    def upload(number: int) -> tuple[str, bool]:
        start.wait(10)
        view, created = _upload(scene, key=f"uploads/{number}")
        return view.id, created

    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(upload, range(4)))
    assert len({dataset_id for dataset_id, _ in answers}) == 1
    assert sum(created for _, created in answers) == 1


def test_one_worker_reads_it_and_it_is_ready(scene: Scene) -> None:
    view, _ = _upload(scene)
    claim = _must_claim(scene, view.id)
    assert (claim.upload, claim.sha256, claim.attempt) == ("uploads/1", SHA, 1)
    assert _claim(scene, view.id) is None
    with pytest.raises(DatasetProcessing), scene.database.snapshot() as tx:
        datasets.folder_of(tx, owner=OWNER, dataset_id=view.id)
    assert _ready(scene, claim) == "uploads/1"
    found = _get(scene, view.id)
    assert (found.state, found.profile) == (DatasetState.READY, PROFILE)
    with scene.database.snapshot() as tx:
        assert datasets.folder_of(tx, owner=OWNER, dataset_id=view.id) == f"datasets/{SHA}/1"
    assert _claim(scene, view.id) is None


def test_who_was_silent_for_too_long_cannot_write(scene: Scene) -> None:
    view, _ = _upload(scene)
    stale = _must_claim(scene, view.id, seconds=-1)
    with scene.database.transaction() as tx:
        ingest.expire(tx, max_attempts=3)
    fresh = _must_claim(scene, view.id)
    assert fresh.attempt == 2
    with pytest.raises(LeaseLost):
        _ready(scene, stale)
    with pytest.raises(LeaseLost):
        _fail(scene, stale)
    with pytest.raises(LeaseLost), scene.database.transaction() as tx:
        ingest.renew(tx, stale, 30)
    _ready(scene, fresh)


def test_what_cannot_be_read_fails_with_all_that_waits_for_it(scene: Scene) -> None:
    scene.add_dataset(ready=False, sha256=SHA)
    experiment_id = scene.submit(2)
    assert _fail(scene, _must_claim(scene, scene.dataset_id)) == (experiment_id,)
    view = _get(scene, scene.dataset_id)
    assert (view.state, view.error) == (DatasetState.FAILED, UNREADABLE)
    trial = scene.trial(experiment_id, 2)
    assert (trial.state, trial.error) == (State.FAILED, UNREADABLE)
    with scene.database.snapshot() as tx:
        assert searches.unadvanced(tx) == (experiment_id,)
    with pytest.raises(DatasetFailed), scene.database.snapshot() as tx:
        datasets.folder_of(tx, owner=OWNER, dataset_id=scene.dataset_id)


def test_after_a_failure_the_same_content_may_be_uploaded_again(scene: Scene) -> None:
    first, _ = _upload(scene)
    _fail(scene, _must_claim(scene, first.id))
    second, created = _upload(scene)
    assert created
    assert second.id != first.id


def test_a_dataset_whose_readers_all_die_fails(scene: Scene) -> None:
    scene.add_dataset(ready=False, sha256=SHA)
    experiment_id = scene.submit()
    for _ in range(2):
        _must_claim(scene, scene.dataset_id, seconds=-1)
        with scene.database.transaction() as tx:
            ingest.expire(tx, max_attempts=3)
        assert _get(scene, scene.dataset_id).state is DatasetState.PROCESSING
    _must_claim(scene, scene.dataset_id, seconds=-1)
    with scene.database.transaction() as tx:
        ingest.expire(tx, max_attempts=3)
    with scene.database.snapshot() as tx:
        unadvanced = searches.unadvanced(tx)
    assert _get(scene, scene.dataset_id).state is DatasetState.FAILED
    assert unadvanced == (experiment_id,)


def test_the_bell_rings_again_for_what_nobody_reads_but_only_once(scene: Scene) -> None:
    view, _ = _upload(scene)
    with scene.database.transaction() as tx:
        assert ingest.unread(tx, silent_seconds=60) == ()
    with scene.database.transaction() as tx:
        assert ingest.unread(tx, silent_seconds=0) == (view.id,)
    with scene.database.transaction() as tx:
        assert ingest.unread(tx, silent_seconds=60) == ()
    _must_claim(scene, view.id)
    with scene.database.transaction() as tx:
        assert ingest.unread(tx, silent_seconds=0) == ()


def test_the_bell_rings_again_when_a_reader_is_dead_and_not_while_nobody_can_tell(
    scene: Scene,
) -> None:
    view, _ = _upload(scene)
    with scene.database.transaction() as tx:
        before = clock.read(tx)
    _must_claim(scene, view.id, seconds=0)
    with scene.database.transaction() as tx:
        ingest.expire(tx, max_attempts=3, before=before)
        assert ingest.unread(tx, silent_seconds=0) == ()
    with scene.database.transaction() as tx:
        after = clock.read(tx)
    with scene.database.transaction() as tx:
        ingest.expire(tx, max_attempts=3, before=after)
    with scene.database.transaction() as tx:
        assert ingest.unread(tx, silent_seconds=0) == (view.id,)


def test_a_reader_that_could_not_renew_during_an_outage_keeps_its_dataset(scene: Scene) -> None:
    view, _ = _upload(scene)
    living = _must_claim(scene, view.id, seconds=-1)
    assert _claim(scene, view.id) is None  # a message that waited meanwhile
    with scene.database.transaction() as tx:
        ingest.renew(tx, living, 30)
    _ready(scene, living)


def test_a_dataset_that_is_given_back_is_to_be_read_and_did_not_take_its_reader_down(
    scene: Scene,
) -> None:
    view, _ = _upload(scene)
    claim = _must_claim(scene, view.id)
    with scene.database.transaction() as tx:
        ingest.release(tx, claim)
    with scene.database.transaction() as tx:
        ingest.expire(tx, max_attempts=1)
        assert ingest.unread(tx, silent_seconds=0) == (view.id,)
    assert _must_claim(scene, view.id).attempt == 2


def test_a_builtin_dataset_is_made_at_first_use_for_everybody(scene: Scene) -> None:
    with scene.database.transaction() as tx:
        view, to_read = datasets.builtin(tx, "builtin:digits")
        _, to_read_again = datasets.builtin(tx, "builtin:digits")
    assert (view.id, to_read, to_read_again) == ("builtin:digits", True, False)
    assert _get(scene, view.id, owner="anybody").source == "builtin"
    claim = _must_claim(scene, view.id)
    assert claim.upload is None
    _fail(scene, claim)
    with scene.database.transaction() as tx:
        view, to_read = datasets.builtin(tx, "builtin:digits")
    assert (view.state, to_read) == (DatasetState.PROCESSING, True)
    with pytest.raises(IllegalMove):
        _delete(scene, view.id)


def test_inline_rows_are_ready_at_once_and_found_again(scene: Scene) -> None:
    answers = []
    for _ in range(2):
        with scene.database.transaction() as tx:
            answers.append(
                datasets.inline(
                    tx,
                    owner=OWNER,
                    name="inline",
                    sha256=SHA,
                    size=10,
                    profile=PROFILE,
                    folder=f"datasets/{SHA}/1",
                )
            )
    (first, created), (again, created_again) = answers
    assert (created, created_again, first.id) == (True, False, again.id)
    assert (first.state, first.profile) == (DatasetState.READY, PROFILE)


def test_what_an_active_experiment_needs_is_not_deleted(scene: Scene) -> None:
    experiment_id = scene.submit()
    with pytest.raises(DatasetInUse):
        _delete(scene, scene.dataset_id)
    with scene.database.transaction() as tx:
        experiments.cancel(tx, owner=OWNER, experiment_id=experiment_id)
    assert _delete(scene, scene.dataset_id) == (f"datasets/{'0' * 64}/1",)
    with pytest.raises(NotFound):
        _get(scene, scene.dataset_id)
    with pytest.raises(NotFound):
        scene.submit()
    assert scene.experiment(experiment_id).state is State.CANCELLED


def test_files_that_another_owner_shares_are_kept(scene: Scene) -> None:
    mine, theirs = (_upload(scene, owner=owner)[0] for owner in (OWNER, "other"))
    for view in (mine, theirs):
        _ready(scene, _must_claim(scene, view.id))
    assert _delete(scene, mine.id) == ()
    assert _delete(scene, theirs.id, owner="other") == (f"datasets/{SHA}/1",)


def test_anothers_dataset_is_not_found(scene: Scene) -> None:
    view, _ = _upload(scene, owner="other")
    with pytest.raises(NotFound):
        _get(scene, view.id)
    with pytest.raises(NotFound):
        _delete(scene, view.id)


def test_a_deleted_dataset_stops_being_read(scene: Scene) -> None:
    view, _ = _upload(scene)
    claim = _must_claim(scene, view.id)
    assert _delete(scene, view.id) == ("uploads/1",)
    with pytest.raises(LeaseLost):
        _ready(scene, claim)
    assert _claim(scene, view.id) is None


def test_a_deleted_dataset_whose_reader_died_for_the_last_time_is_nobodys_concern(
    scene: Scene,
) -> None:
    view, _ = _upload(scene)
    _must_claim(scene, view.id, seconds=-1)
    _delete(scene, view.id)
    with scene.database.transaction() as tx:
        ingest.expire(tx, max_attempts=1)  # would raise


def test_datasets_come_in_pages(scene: Scene) -> None:
    ids = [scene.dataset_id, *(_upload(scene, sha256=letter * 64)[0].id for letter in "bcd")]
    _upload(scene, owner="other", sha256="e" * 64)
    with scene.database.snapshot() as tx:
        first = datasets.page(tx, owner=OWNER, cursor=None, limit=3)
        second = datasets.page(tx, owner=OWNER, cursor=first.next_cursor, limit=3)
    assert [view.id for view in (*first.data, *second.data)] == ids[::-1]
    assert not second.has_more
