"""One process is killed or put to sleep at a bad moment: the trial ends as if nothing had been.

Each test states its figures: every epoch once and with the undisturbed run's values, the same
weights, no stale write let in, and how long it took to go on.
"""

import signal

from store.failpoints import Place
from tests.faults.client import Accepted
from tests.faults.scene import EXACT, Scene, figures
from tests.faults.service import Member

# From the end of an attempt to the first epoch of the next, on two cores that others keep busy.
RESUMED_SECONDS = 60.0
KILLED = -signal.SIGKILL


def outcomes(scene: Scene, accepted: Accepted) -> list[str | None]:
    """How the attempts at its first trial ended."""
    answer = scene.client.ask("GET", f"/experiments/{accepted.id}/trials/1")
    assert answer is not None
    return [attempt["outcome"] for attempt in answer.json()["attempts"]]


def test_a_worker_that_sleeps_through_its_lease_writes_nothing_when_it_wakes(scene: Scene) -> None:
    scene.everything_runs()
    accepted = scene.submit()
    victim = scene.victim(accepted)
    said = victim.holder.log.stat().st_size

    scene.stop(victim.holder)
    verdict = scene.verdict(accepted)  # the other worker has finished it
    victim.holder.send(signal.SIGCONT)
    scene.wait_for(
        lambda: b"is another's now" in victim.holder.log.read_bytes()[said:],
        "the worker notices",
    )

    verdict = scene.verdict(accepted)  # once more: what it wrote since would show
    assert figures(verdict) == EXACT
    assert outcomes(scene, accepted) == ["expired", "completed"]
    assert verdict.slowest_resume < RESUMED_SECONDS
    assert verdict.epochs_trained_again < verdict.epochs


def test_an_api_killed_between_commit_and_answer_has_stored_the_experiment_once(
    scene: Scene,
) -> None:
    scene.everything_runs()
    for api in scene.service.apis:
        api.end()
        api.start(f"{Place.SUBMITTED}=kill")
    scene.service.wait_for_apis()

    accepted = scene.submit()  # asks again, with its key, when nobody answers

    dead = [api for api in scene.service.apis if not api.alive]
    assert len(dead) == 1
    scene.everything_runs()
    assert figures(scene.verdict(accepted)) == EXACT


def test_a_worker_killed_after_its_claim_and_before_a_commit_of_its_checkpoint_costs_two_attempts(
    scene: Scene,
) -> None:
    worker = scene.service.trainers[0]
    accepted = _killed_at(scene, worker, Place.CLAIMED, Place.CHECKPOINT_STORED, Place.FINISHED)

    verdict = scene.verdict(accepted)
    assert scene.died(worker) == KILLED
    assert figures(verdict) == EXACT
    assert outcomes(scene, accepted) == ["expired", "expired", "completed"]
    assert verdict.slowest_resume < RESUMED_SECONDS


def test_a_worker_killed_with_files_that_no_row_names_yet_leaves_none_behind(scene: Scene) -> None:
    worker = scene.service.trainers[0]
    accepted = _killed_at(scene, worker, Place.CHECKPOINT_COMMITTED, Place.NETWORK_STORED, None)

    verdict = scene.verdict(accepted)
    assert figures(verdict) == EXACT
    assert outcomes(scene, accepted) == ["expired", "expired", "completed"]
    assert verdict.files_collected >= 1  # the first network
    assert verdict.files_left_over == 0
    assert verdict.slowest_resume < RESUMED_SECONDS


def _killed_at(scene: Scene, worker: Member, *places: Place | None) -> Accepted:
    """One trial, whose only worker is started again each time it dies, to die at the next place."""
    accepted: Accepted | None = None
    for place in places:
        scene.only(worker, f"{place}=kill" if place else "")
        accepted = accepted or scene.submit()
        if place not in {None, Place.FINISHED}:
            assert scene.died(worker) == KILLED
    assert accepted is not None
    return accepted
