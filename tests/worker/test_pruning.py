"""A real search in which a trial that falls behind is ended before its time."""

import pytest

from models.lifecycle import State, StopReason
from models.views.trial import TrialView
from store import trials
from tests.worker.site import OWNER, Site
from tests.worker.specs import small

# Of some milliseconds. A trial is pruned after 50 or so, and later where the cores are busy.
EPOCHS = 600


def _kept(found: Site, trial: TrialView) -> bool:
    with found.database.snapshot() as tx:
        stored = trials.network(
            tx, owner=OWNER, experiment_id=trial.experiment, number=trial.number
        )
    return found.artifacts.local(stored.key).stat().st_size == stored.bytes


@pytest.mark.parametrize(
    ("prune", "told_why"),
    [
        (
            {"rule": "median", "warmup_epochs": 3, "min_trials": 1},
            "1 trial of other settings",
        ),
        (
            {"rule": "asha", "min_epochs": 3, "reduction": 2},
            "is number 2 of 2 trials",
        ),
    ],
    ids=["median", "asha"],
)
def test_a_rate_that_leads_nowhere_is_pruned_and_the_good_one_is_not(
    sqlite_site: Site, prune: dict[str, object], told_why: str
) -> None:
    found = sqlite_site
    search = {"strategy": "learning_rates", "values": [0.01, 1e-7], "prune": prune}
    fit = {"epochs": EPOCHS, "early_stopping": None}
    experiment_id = found.submit(
        small(found.table(), search=search, fit=fit, limits={"max_parallel": 1})
    )

    view = found.wait_until_over(experiment_id)

    good, pruned = found.trials(experiment_id)
    assert (good.stop_reason, good.epochs) == (StopReason.COMPLETED, EPOCHS)
    assert (pruned.state, pruned.stop_reason) == (State.SUCCEEDED, StopReason.PRUNED)
    assert 3 <= pruned.epochs < EPOCHS
    assert [row.epoch for row in found.epochs(experiment_id, 2)] == list(
        range(1, pruned.epochs + 1)
    )
    assert pruned.best is not None
    assert _kept(found, good)
    assert _kept(found, pruned)
    assert view.conclusion is not None
    assert view.conclusion.winner is not None
    assert view.conclusion.winner.trial == 1
    (told,) = [
        e for e in found.events(experiment_id) if e.kind == "trial.succeeded" and e.trial == 2
    ]
    assert told_why in told.reason


def test_nobody_is_pruned_unless_that_was_asked_for(sqlite_site: Site) -> None:
    found = sqlite_site
    search = {"strategy": "learning_rates", "values": [0.01, 1e-7]}
    fit = {"epochs": 60, "early_stopping": None}
    experiment_id = found.submit(small(found.table(), search=search, fit=fit))
    found.wait_until_over(experiment_id)
    assert {trial.stop_reason for trial in found.trials(experiment_id)} == {StopReason.COMPLETED}
