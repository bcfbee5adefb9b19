"""Who is there, what waits, and for what the bell has to be rung again."""

from sqlalchemy import update

from models.lifecycle import StopReason
from models.specs.experiment import Device
from models.tables.experiments import ExperimentRow
from models.tables.workers import WorkerKind, WorkerRow
from store import queue, workers
from store.clock import now
from store.outcomes import Succeeded
from store.queue import Waiting
from store.workers import WorkerReport
from tests.store.scenes import Scene

DONE = Succeeded(stop_reason=StopReason.COMPLETED)


def _report(
    scene: Scene,
    name: str = "worker",
    slots: int = 2,
    device: Device = Device.CPU,
    kind: WorkerKind = WorkerKind.TRAIN,
) -> None:
    with scene.database.transaction() as tx:
        workers.report(
            tx,
            WorkerReport(
                name=name,
                kind=kind,
                device=device,
                slots=slots,
                host="here",
                pid=1,
                version="0.1.0",
            ),
        )


def _unrung(scene: Scene, silent_seconds: float = 0.0) -> tuple[Waiting, ...]:
    with scene.database.transaction() as tx:
        return queue.unrung(tx, silent_seconds)


def test_a_worker_is_seen_with_what_it_holds(scene: Scene) -> None:
    scene.submit(2)
    _report(scene)
    _report(scene)
    scene.must_claim("worker")
    with scene.database.snapshot() as tx:
        (view,) = workers.page(tx)
    assert (view.name, view.slots, view.busy, view.alive) == ("worker", 2, 1, True)


def test_a_silent_worker_is_not_alive_and_is_forgotten(scene: Scene) -> None:
    _report(scene)
    with scene.database.transaction() as tx:
        tx.execute(update(WorkerRow).values(heartbeat_at=now(-40)))
    with scene.database.snapshot() as tx:
        (view,) = workers.page(tx)
    assert not view.alive
    with scene.database.transaction() as tx:
        assert workers.forget_silent(tx, 60) == 0
        assert workers.forget_silent(tx, 30) == 1


def test_a_worker_that_leaves_is_gone(scene: Scene) -> None:
    _report(scene)
    with scene.database.transaction() as tx:
        workers.leave(tx, "worker")
    with scene.database.snapshot() as tx:
        assert workers.page(tx) == ()


def test_the_queue_says_what_waits_and_what_runs(scene: Scene) -> None:
    scene.submit(3)
    scene.must_claim()
    scene.add_dataset(ready=False, sha256="1" * 64)
    scene.submit(2)
    _report(scene, "a", slots=2)
    _report(scene, "b", slots=1)
    _report(scene, "c", slots=4, kind=WorkerKind.CONTROL)
    with scene.database.snapshot() as tx:
        view = queue.view(tx)
    assert (view.queued, view.running, view.cancelling) == (4, 1, 0)
    assert (view.waiting_for_data, view.datasets_processing, view.slots) == (2, 1, 3)
    assert view.oldest_queued_seconds is not None


def test_an_empty_queue_has_no_oldest_trial(scene: Scene) -> None:
    with scene.database.snapshot() as tx:
        assert queue.view(tx).oldest_queued_seconds is None


def test_the_bell_rings_again_for_what_idle_workers_could_take(scene: Scene) -> None:
    scene.submit(5, max_parallel=3)
    assert _unrung(scene) == ()  # nobody is there to hear it
    _report(scene, slots=2)
    assert _unrung(scene, silent_seconds=60) == ()  # it rang a moment ago
    assert _unrung(scene) == (Waiting(Device.ANY, 2),)
    for _ in range(2):
        scene.must_claim("worker")
    assert _unrung(scene) == ()  # nobody is idle


def test_the_bell_rings_at_the_queue_of_the_device(scene: Scene) -> None:
    scene.submit(1, device="gpu")
    scene.submit(3, device="cpu", max_parallel=2)
    _report(scene, "c", slots=4)
    assert _unrung(scene) == (Waiting(Device.CPU, 2),)
    _report(scene, "g", slots=1, device=Device.GPU)
    assert set(_unrung(scene)) == {Waiting(Device.CPU, 2), Waiting(Device.GPU, 1)}


def test_experiments_for_a_device_that_is_not_there_hide_no_others(scene: Scene) -> None:
    for _ in range(5):
        scene.submit(1, device="gpu", priority=1)
    scene.submit(1)
    _report(scene, slots=2)
    assert _unrung(scene) == (Waiting(Device.ANY, 1),)


def test_the_bell_does_not_ring_for_a_trial_without_a_place_or_data(scene: Scene) -> None:
    scene.submit(2, max_parallel=1)
    scene.must_claim("other")
    scene.add_dataset(ready=False, sha256="1" * 64)
    scene.submit()
    _report(scene)
    assert _unrung(scene) == ()


def test_two_sweepers_ring_once(scene: Scene) -> None:
    scene.submit()
    _report(scene)
    with scene.database.transaction() as tx:
        tx.execute(update(ExperimentRow).values(rung_at=now(-20)))
    assert _unrung(scene, silent_seconds=10) == (Waiting(Device.ANY, 1),)
    assert _unrung(scene, silent_seconds=10) == ()
