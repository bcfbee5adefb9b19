"""An experiment that is changed while its trials train."""

from models.lifecycle import State
from store import experiments
from store.doorbell import Task
from tests.worker.site import OWNER, Site
from tests.worker.specs import endless


def _states(found: Site, experiment_id: str) -> list[State]:
    return [trial.state for trial in found.trials(experiment_id)]


def test_a_second_trial_starts_beside_the_first_when_more_may_train_at_once(
    postgresql_site: Site,
) -> None:
    found = postgresql_site
    rates = {"strategy": "learning_rates", "values": [0.001, 0.01, 0.02]}
    experiment_id = found.submit(endless(found.table(), search=rates, limits={"max_parallel": 1}))
    found.wait_for_epoch(experiment_id)
    assert _states(found, experiment_id) == [State.RUNNING, State.QUEUED, State.QUEUED]

    with found.database.transaction() as tx:
        experiments.set_max_parallel(tx, owner=OWNER, experiment_id=experiment_id, max_parallel=2)
    found.doorbell.ring_control(Task.ADVANCE, experiment_id)

    found.wait_for_epoch(experiment_id, 2)
    assert _states(found, experiment_id) == [State.RUNNING, State.RUNNING, State.QUEUED]
    with found.database.transaction() as tx:
        experiments.cancel(tx, owner=OWNER, experiment_id=experiment_id)
    view = found.wait_until_over(experiment_id)
    assert view.state is State.CANCELLED
