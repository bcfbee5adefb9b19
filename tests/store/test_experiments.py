"""Experiments from the POST to their end."""

import pytest

from models.errors import DatasetFailed, IllegalMove, Invalid, NotFound
from models.findings import Finding
from models.lifecycle import State, StopReason
from models.specs.experiment import ExperimentSpec
from models.views.base import Page, Problem
from models.views.comparison import Conclusion
from models.views.experiment import ExperimentView
from store import events, experiments, history, ingest, leases, searches, trials
from store.artifacts import Stored
from store.outcomes import Cancelled, Succeeded
from tests.store.scenes import OWNER, Scene, beat, epoch, planned, spec_of

DONE = Succeeded(stop_reason=StopReason.COMPLETED)


def _page(
    scene: Scene,
    *,
    owner: str = OWNER,
    state: State | None = None,
    labels: dict[str, str] | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[ExperimentView]:
    with scene.database.snapshot() as tx:
        return experiments.page(
            tx, owner=owner, state=state, labels=labels or {}, cursor=cursor, limit=limit
        )


def _cancel(scene: Scene, experiment_id: str, owner: str = OWNER) -> ExperimentView:
    with scene.database.transaction() as tx:
        return experiments.cancel(tx, owner=owner, experiment_id=experiment_id)


def _conclude(scene: Scene, experiment_id: str, state: State) -> None:
    conclusion = Conclusion(
        winner=None, metric="val_loss", ranking=(), reason="Every setting was tried.", summary=()
    )
    with scene.database.transaction() as tx:
        searches.conclude(tx, experiment_id, state, conclusion)


def test_what_was_submitted_is_there_and_queued(scene: Scene) -> None:
    experiment_id = scene.submit(3, labels={"team": "risk"})
    view = scene.experiment(experiment_id)
    assert view.id.startswith("exp_")
    assert (view.state, view.is_terminal, view.labels) == (State.QUEUED, False, {"team": "risk"})
    assert view.spec == spec_of().model_copy(update={"labels": {"team": "risk"}})
    assert view.progress.trials == {State.QUEUED: 3}
    assert (view.progress.epochs_planned, view.progress.fraction) == (60, 0.0)
    assert view.best is None
    with scene.database.snapshot() as tx:
        assert searches.spec_of(tx, experiment_id) == view.spec
        assert searches.dataset_of(tx, experiment_id) == scene.dataset_id


def test_an_experiment_needs_a_dataset_that_is_there_and_readable(scene: Scene) -> None:
    scene.dataset_id = "ds_none"
    with pytest.raises(NotFound):
        scene.submit()
    scene.add_dataset(owner="stranger", sha256="1" * 64)
    with pytest.raises(NotFound):
        scene.submit()
    dataset_id = scene.add_dataset(ready=False, sha256="2" * 64)
    with scene.database.transaction() as tx:
        claim = ingest.claim(tx, dataset_id, "control", 30)
        assert claim is not None
        ingest.fail(tx, claim, Problem(title="Unreadable", detail="Line 3.", code="unreadable"))
    with pytest.raises(DatasetFailed):
        scene.submit()


def test_anothers_experiment_is_not_found_by_any_verb(scene: Scene) -> None:
    experiment_id = scene.submit()
    names = {"owner": "stranger", "experiment_id": experiment_id}
    for verb in (experiments.get, experiments.version, experiments.cancel, experiments.delete):
        with pytest.raises(NotFound), scene.database.transaction() as tx:
            verb(tx, **names)
    with pytest.raises(NotFound), scene.database.snapshot() as tx:
        events.after(tx, **names, after=0, limit=10)
    with pytest.raises(NotFound), scene.database.snapshot() as tx:
        trials.page(tx, **names, cursor=None, limit=10)
    with pytest.raises(NotFound), scene.database.transaction() as tx:
        trials.cancel(tx, **names, number=1)
    assert _page(scene, owner="stranger").data == ()


def test_pages_go_from_the_newest_to_the_oldest_without_gaps(scene: Scene) -> None:
    ids = [scene.submit() for _ in range(5)]
    seen: list[str] = []
    cursor = None
    for _ in range(3):
        page = _page(scene, cursor=cursor, limit=2)
        seen += [view.id for view in page.data]
        cursor = page.next_cursor
    assert seen == ids[::-1]
    assert cursor is None


def test_a_list_is_narrowed_by_state_and_by_all_labels(scene: Scene) -> None:
    both = scene.submit(labels={"team": "risk", "stage": "trial"})
    scene.submit(labels={"team": "risk"})
    scene.submit(labels={"stage": "trial", "team": "sales"})
    labels = {"team": "risk", "stage": "trial"}
    assert [view.id for view in _page(scene, labels=labels).data] == [both]
    scene.must_claim()
    assert [view.id for view in _page(scene, state=State.RUNNING).data] == [both]
    assert len(_page(scene, state=State.QUEUED).data) == 2


@pytest.mark.parametrize("cursor", ["nonsense!", "", "é", "AAA", "a" * 1000, "//==", "\x00"])
def test_a_cursor_that_is_not_ours_is_refused_or_means_the_start(scene: Scene, cursor: str) -> None:
    if not cursor:
        assert _page(scene, cursor=cursor).data == ()
        return
    with pytest.raises(Invalid) as caught:
        _page(scene, cursor=cursor)
    assert caught.value.issues[0].code == "bad_cursor"


def test_progress_counts_a_trial_that_is_over_in_full(scene: Scene) -> None:
    experiment_id = scene.submit(2)
    first = scene.must_claim()
    scene.append(first, *(epoch(number) for number in range(1, 6)))
    progress = scene.experiment(experiment_id).progress
    assert (progress.epochs_done, progress.fraction) == (5, 5 / 40)
    assert progress.eta_seconds is not None
    assert progress.eta_seconds > 0
    scene.finish(first, Succeeded(stop_reason=StopReason.EARLY_STOPPED))
    assert scene.experiment(experiment_id).progress.fraction == 20 / 40


def test_the_queue_position_counts_the_trials_that_go_first(scene: Scene) -> None:
    first = scene.submit(3)
    second = scene.submit(2)
    urgent = scene.submit(1, priority=1)
    positions = [scene.experiment(each).progress.queue_position for each in (urgent, first, second)]
    assert positions == [0, 1, 4]
    for _ in range(2):
        scene.must_claim()
    assert scene.experiment(first).progress.queue_position is None
    assert scene.experiment(second).progress.queue_position == 2
    assert {view.id: view.progress.queue_position for view in _page(scene).data}[second] == 2


def test_the_best_trial_is_the_one_with_the_lowest_loss(scene: Scene) -> None:
    experiment_id = scene.submit(3)
    for value in (0.5, 0.2, 0.2):
        scene.append(scene.must_claim(), epoch(1, 0.9), epoch(2, value))
    best = scene.experiment(experiment_id).best
    assert best is not None
    assert (best.trial, best.metric, best.value, best.epoch) == (2, "val_loss", 0.2, 2)
    assert best.setting == {"learning_rate": 0.05}


def test_the_best_trial_is_the_one_with_the_highest_accuracy(scene: Scene) -> None:
    document = spec_of().model_dump(mode="json")
    document["fit"]["early_stopping"]["monitor"] = "val_accuracy"
    document["compile"]["metrics"] = ["accuracy"]
    with scene.database.transaction() as tx:
        experiment_id = experiments.submit(
            tx,
            owner=OWNER,
            spec=type(spec_of()).model_validate(document),
            dataset_id=scene.dataset_id,
            trials=planned(2),
        ).id
    for value in (0.8, 0.9):
        scene.append(scene.must_claim(), epoch(1, val_accuracy=value), epoch(2, val_accuracy=0.1))
    best = scene.experiment(experiment_id).best
    assert best is not None
    assert (best.trial, best.metric, best.value, best.epoch) == (2, "val_accuracy", 0.9, 1)


def test_a_queued_experiment_is_cancelled_at_once(scene: Scene) -> None:
    experiment_id = scene.submit(3)
    view = _cancel(scene, experiment_id)
    assert (view.state, view.is_terminal) == (State.CANCELLED, True)
    assert view.progress.trials == {State.CANCELLED: 3}
    assert scene.trial(experiment_id).stop_reason is StopReason.CANCELLED


def test_a_running_experiment_waits_for_its_workers_to_end(scene: Scene) -> None:
    experiment_id = scene.submit(3)
    lease = scene.must_claim()
    view = _cancel(scene, experiment_id)
    assert view.state is State.CANCELLING
    assert view.progress.trials == {State.CANCELLING: 1, State.CANCELLED: 2}
    assert _cancel(scene, experiment_id).version == view.version
    scene.finish(lease, Cancelled())
    with scene.database.snapshot() as tx:
        assert searches.unadvanced(tx) == (experiment_id,)
    _conclude(scene, experiment_id, State.CANCELLED)
    assert _cancel(scene, experiment_id).state is State.CANCELLED


def _parallel(scene: Scene, experiment_id: str, count: int) -> ExperimentView:
    with scene.database.transaction() as tx:
        return experiments.set_max_parallel(
            tx, owner=OWNER, experiment_id=experiment_id, max_parallel=count
        )


def test_more_trials_may_start_from_the_next_claim_on(scene: Scene) -> None:
    experiment_id = scene.submit(4, max_parallel=1)
    scene.must_claim()
    assert scene.claim() is None
    before = scene.experiment(experiment_id)

    view = _parallel(scene, experiment_id, 3)

    assert isinstance(view.spec, ExperimentSpec)
    assert view.spec == spec_of(max_parallel=3)
    assert view.version > before.version
    assert scene.experiment(experiment_id) == view
    scene.must_claim()
    claim = scene.claim()
    assert claim is not None
    assert claim.spec.limits.max_parallel == 3
    assert scene.claim() is None


def test_a_lower_limit_lets_what_runs_end_and_starts_nothing_above_it(scene: Scene) -> None:
    experiment_id = scene.submit(4, max_parallel=2)
    first, second = scene.must_claim(), scene.must_claim()

    _parallel(scene, experiment_id, 1)

    assert [scene.trial(experiment_id, number).state for number in (1, 2)] == [State.RUNNING] * 2
    scene.finish(first, DONE)
    assert scene.claim() is None
    scene.finish(second, DONE)
    assert scene.must_claim().number == 3


def test_a_change_is_told_once_and_one_that_changes_nothing_is_not(scene: Scene) -> None:
    experiment_id = scene.submit()
    views = [_parallel(scene, experiment_id, 8) for _ in range(2)]
    assert views[0] == views[1]
    with scene.database.snapshot() as tx:
        told = events.after(tx, owner=OWNER, experiment_id=experiment_id, after=2, limit=10).data
    assert [(event.kind, event.reason) for event in told] == [
        ("experiment.changed", "A client changed max_parallel from 4 to 8.")
    ]


def test_what_starts_no_trial_any_more_cannot_be_changed(scene: Scene) -> None:
    cancelling, over = scene.submit(), scene.submit()
    scene.must_claim()
    for each in (cancelling, over):
        _cancel(scene, each)
        with pytest.raises(IllegalMove):
            _parallel(scene, each, 8)
    with pytest.raises(NotFound):
        _parallel(scene, "exp_none", 8)
    with scene.database.transaction() as tx, pytest.raises(NotFound):
        experiments.set_max_parallel(tx, owner="other", experiment_id=over, max_parallel=8)


def test_what_is_over_cannot_be_cancelled(scene: Scene) -> None:
    experiment_id = scene.submit()
    scene.finish(scene.must_claim(), DONE)
    _conclude(scene, experiment_id, State.SUCCEEDED)
    with pytest.raises(IllegalMove):
        _cancel(scene, experiment_id)
    with pytest.raises(IllegalMove), scene.database.transaction() as tx:
        trials.cancel(tx, owner=OWNER, experiment_id=experiment_id, number=1)


def test_one_trial_is_cancelled_and_its_siblings_go_on(scene: Scene) -> None:
    experiment_id = scene.submit(3)
    lease = scene.must_claim()
    states = []
    for number in (1, 2, 2):
        with scene.database.transaction() as tx:
            view = trials.cancel(tx, owner=OWNER, experiment_id=experiment_id, number=number)
        states.append(view.state)
    assert states == [State.CANCELLING, State.CANCELLED, State.CANCELLED]
    with scene.database.transaction() as tx:
        assert beat(tx, lease) is leases.Order.CANCEL
    assert scene.must_claim().number == 3


def test_a_conclusion_ends_an_experiment_once(scene: Scene) -> None:
    experiment_id = scene.submit()
    scene.finish(scene.must_claim(), DONE)
    _conclude(scene, experiment_id, State.SUCCEEDED)
    view = scene.experiment(experiment_id)
    assert view.conclusion is not None
    assert (view.state, view.progress.fraction) == (State.SUCCEEDED, 1.0)
    assert view.finished_at is not None
    with pytest.raises(IllegalMove):
        _conclude(scene, experiment_id, State.SUCCEEDED)
    with scene.database.snapshot() as tx:
        assert searches.unadvanced(tx) == ()


def test_an_experiment_is_deleted_with_all_its_rows_when_it_is_over(scene: Scene) -> None:
    experiment_id = scene.submit(2, labels={"a": "b"})
    with pytest.raises(IllegalMove), scene.database.transaction() as tx:
        experiments.delete(tx, owner=OWNER, experiment_id=experiment_id)
    lease = scene.must_claim()
    scene.append(lease, epoch(1))
    network = Stored("experiments/e/1/1/network.keras", "0" * 64, 10)
    scene.finish(lease, Succeeded(stop_reason=StopReason.COMPLETED, network=network))
    _cancel(scene, experiment_id)
    _conclude(scene, experiment_id, State.CANCELLED)
    with scene.database.transaction() as tx:
        folder = experiments.delete(tx, owner=OWNER, experiment_id=experiment_id)
    assert folder == f"experiments/{experiment_id}"
    with pytest.raises(NotFound):
        scene.experiment(experiment_id)
    assert scene.claim() is None


def test_every_state_change_is_an_event_numbered_without_gaps(scene: Scene) -> None:
    experiment_id = scene.submit(2)
    lease = scene.must_claim("worker-1")
    scene.finish(lease, DONE)
    _cancel(scene, experiment_id)
    _conclude(scene, experiment_id, State.CANCELLED)
    with scene.database.snapshot() as tx:
        page = events.after(tx, owner=OWNER, experiment_id=experiment_id, after=0, limit=6)
        rest = events.after(tx, owner=OWNER, experiment_id=experiment_id, after=6, limit=6)
    facts = [(e.number, e.kind, e.trial, e.attempt, e.worker) for e in (*page.data, *rest.data)]
    assert facts == [
        (1, "experiment.queued", None, None, None),
        (2, "trial.queued", 1, None, None),
        (3, "trial.queued", 2, None, None),
        (4, "trial.running", 1, 1, "worker-1"),
        (5, "experiment.running", None, None, None),
        (6, "trial.succeeded", 1, 1, "worker-1"),
        (7, "trial.cancelled", 2, None, None),
        (8, "experiment.cancelling", None, None, None),
        (9, "experiment.cancelled", None, None, None),
    ]
    assert (page.has_more, page.next_cursor, rest.has_more) == (True, "6", False)
    assert all(event.reason for event in page.data)
    assert page.data[1].reason == scene.trial(experiment_id).reason  # why it was proposed


def test_trials_come_in_pages_with_their_latest_epoch(scene: Scene) -> None:
    experiment_id = scene.submit(5)
    scene.append(scene.must_claim(), epoch(1, 0.5), epoch(2, 0.4))
    names = {"owner": OWNER, "experiment_id": experiment_id}
    with scene.database.snapshot() as tx:
        first = trials.page(tx, **names, cursor=None, limit=3)
        second = trials.page(tx, **names, cursor=first.next_cursor, limit=3)
        curves = history.curves(tx, experiment_id)
    assert [trial.number for trial in (*first.data, *second.data)] == [1, 2, 3, 4, 5]
    assert [trial.latest.epoch if trial.latest else None for trial in first.data] == [2, None, None]
    assert curves == {1: [{"val_loss": 0.5}, {"val_loss": 0.4}]}


def test_versions_of_many_are_asked_for_at_once(scene: Scene) -> None:
    ids = [scene.submit() for _ in range(3)]
    with scene.database.snapshot() as tx:
        versions = experiments.versions(tx, [*ids, "exp_deleted"])
        one = experiments.version(tx, owner=OWNER, experiment_id=ids[0])
    assert set(versions) == set(ids)
    assert versions[ids[0]] == one


def test_what_looked_wrong_before_training_is_kept(scene: Scene) -> None:
    warning = Finding(
        code="learning_rate_unusual",
        severity="warning",
        pointer="/compile/optimizer/learning_rate",
        evidence="The rate is 50.",
        explanation="It is far from SGD's usual range.",
        advice="Try 0.01.",
        patch=({"op": "replace", "path": "/compile/optimizer/learning_rate", "value": 0.01},),
    )
    assert scene.experiment(scene.submit(warnings=(warning,))).warnings == (warning,)
    assert scene.experiment(scene.submit()).warnings == ()
