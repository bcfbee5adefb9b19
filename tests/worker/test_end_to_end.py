"""Trials through the whole service: queue, supervisor, trainer, database."""

import keras
import numpy as np
import pytest

from models.lifecycle import DatasetState, State, StopReason
from store import datasets, trials
from store.doorbell import Task
from tests.worker.site import OWNER, Site, until
from tests.worker.specs import endless, small


@pytest.fixture(params=["sqlite_site", "postgresql_site"])
def site(request: pytest.FixtureRequest) -> Site:
    """Each test once on SQLite and once on PostgreSQL."""
    found: Site = request.getfixturevalue(request.param)
    return found


def test_a_trial_trains_and_every_epoch_is_there(site: Site) -> None:
    experiment_id = site.submit(small(site.table()))

    view = site.wait_until_over(experiment_id)

    trial = site.trial(experiment_id)
    assert view.state is State.SUCCEEDED, trial.error
    assert trial.stop_reason is StopReason.COMPLETED
    rows = site.epochs(experiment_id)
    assert [row.epoch for row in rows] == [1, 2, 3]
    assert set(rows[0].metrics) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert (rows[-1].metrics["val_accuracy"] or 0) > 0.9
    assert rows[0].learning_rate == pytest.approx(0.01)
    assert trial.engine is not None
    assert trial.engine["device"] == "cpu"
    assert [attempt.outcome for attempt in trial.attempts] == ["completed"]
    assert view.conclusion is not None
    assert view.conclusion.winner is not None
    assert view.conclusion.winner.trial == 1


def test_the_stored_network_is_plain_keras_and_predicts_raw_rows(sqlite_site: Site) -> None:
    site = sqlite_site
    experiment_id = site.submit(small(site.table()))
    site.wait_until_over(experiment_id)
    with site.database.snapshot() as tx:
        stored = trials.network(tx, owner=OWNER, experiment_id=experiment_id, number=1)

    network = keras.saving.load_model(site.artifacts.local(stored.key, stored.sha256))

    raw = np.array([[1, 1, 1, 1], [-1, -1, -1, -1]], dtype="float32")
    assert network.predict(raw, verbose=0).argmax(axis=1).tolist() == [1, 0]


def test_rates_side_by_side_share_rows_order_and_initial_weights(sqlite_site: Site) -> None:
    # At a rate that changes nothing, the second epoch's loss is that of the initial weights.
    site = sqlite_site
    rates = {"strategy": "learning_rates", "values": [1e-9, 1e-10, 0.1]}
    sgd = {"optimizer": {"optimizer": "SGD", "learning_rate": 0.01}}
    experiment_id = site.submit(small(site.table(), compile=sgd, search=rates, repeats=2))

    view = site.wait_until_over(experiment_id)

    losses = {
        (trial.setting["learning_rate"], trial.repeat): site.epochs(experiment_id, trial.number)[
            0
        ].metrics["loss"]
        for trial in site.trials(experiment_id)
    }
    assert losses[1e-9, 0] == pytest.approx(losses[1e-10, 0], rel=1e-6)
    assert losses[1e-9, 1] == pytest.approx(losses[1e-10, 1], rel=1e-6)
    assert losses[1e-9, 0] != pytest.approx(losses[1e-9, 1], rel=1e-6)
    assert view.conclusion is not None
    assert view.conclusion.winner is not None
    assert view.conclusion.winner.setting == {"learning_rate": 0.1}


def test_early_stopping_ends_a_trial_and_says_so(sqlite_site: Site) -> None:
    site = sqlite_site
    fit = {"epochs": 50, "early_stopping": {"patience": 1, "min_delta": 10.0}}
    experiment_id = site.submit(small(site.table(), fit=fit))

    site.wait_until_over(experiment_id)

    trial = site.trial(experiment_id)
    assert trial.stop_reason is StopReason.EARLY_STOPPED
    assert trial.epochs < 5


def test_a_training_that_explodes_is_a_result_without_a_score(sqlite_site: Site) -> None:
    site = sqlite_site
    sgd = {"optimizer": {"optimizer": "SGD", "learning_rate": 1000.0}}
    raw = {"dataset": site.table(scale=1000.0), "scaling": "none"}
    experiment_id = site.submit(small(site.table(), data=raw, compile=sgd))

    view = site.wait_until_over(experiment_id)

    trial = site.trial(experiment_id)
    assert trial.state is State.SUCCEEDED, trial.error
    assert trial.stop_reason is StopReason.DIVERGED
    assert trial.best is None
    found = {finding.code: finding.consequence_of for finding in trial.findings}
    assert found["diverged"] == "inputs_not_scaled"
    assert view.state is State.FAILED
    assert view.error is not None
    assert view.error.code == "no_score"


def test_a_running_trial_is_cancelled_within_three_seconds(site: Site) -> None:
    experiment_id = site.submit(endless(site.table()))
    site.wait_for_epoch(experiment_id)

    with site.database.transaction() as tx:
        trials.cancel(tx, owner=OWNER, experiment_id=experiment_id, number=1)
    assert site.trial(experiment_id).state is State.CANCELLING

    until(lambda: site.experiment(experiment_id).is_terminal, "its end", seconds=3.0)

    trial = site.trial(experiment_id)
    assert site.experiment(experiment_id).state is State.CANCELLED
    assert trial.state is State.CANCELLED
    assert trial.stop_reason is StopReason.CANCELLED
    rows = site.epochs(experiment_id)
    assert [row.epoch for row in rows] == list(range(1, len(rows) + 1))


def test_a_trial_that_takes_too_long_fails_and_says_so(sqlite_site: Site) -> None:
    site = sqlite_site
    experiment_id = site.submit(endless(site.table(), limits={"max_seconds": 2.0}))

    view = site.wait_until_over(experiment_id)

    trial = site.trial(experiment_id)
    assert view.state is State.FAILED
    assert trial.state is State.FAILED
    assert trial.stop_reason is StopReason.TIMED_OUT
    assert trial.error is not None
    assert "max_seconds" in trial.error.detail
    assert view.error is not None
    assert trial.error.detail in view.error.detail  # nobody has to look into each trial


def test_a_network_that_does_not_fit_into_memory_is_told_apart(sqlite_site: Site) -> None:
    site = sqlite_site
    layers = [  # one row's activations are 370 MB
        {"layer": "Dense", "units": 1_024},
        {"layer": "Reshape", "target_shape": [1, 1, 1_024]},
        {"layer": "ZeroPadding2D", "padding": 150},
        {"layer": "GlobalAveragePooling2D"},
    ]
    fit = {"batch_size": 2_000}
    experiment_id = site.submit(small(site.table(4_000), network={"layers": layers}, fit=fit))

    site.wait_until_over(experiment_id)

    assert site.trial(experiment_id).stop_reason is StopReason.OUT_OF_MEMORY


def test_a_built_in_dataset_is_read_and_trials_wait_for_it(sqlite_site: Site) -> None:
    site = sqlite_site
    with site.database.transaction() as tx:
        view, new = datasets.builtin(tx, "builtin:iris")
    assert new
    site.doorbell.ring_control(Task.INGEST, view.id)
    until(lambda: site.dataset(view.id).state is not DatasetState.PROCESSING, "the dataset")
    assert site.dataset(view.id).state is DatasetState.READY, site.dataset(view.id).error

    experiment_id = site.submit(small("builtin:iris"))

    assert site.wait_until_over(experiment_id).state is State.SUCCEEDED


def test_work_that_nobody_was_told_of_is_found(sqlite_site: Site) -> None:
    site = sqlite_site

    experiment_id = site.submit(small(site.table()), ring=False)

    assert site.wait_until_over(experiment_id).state is State.SUCCEEDED
