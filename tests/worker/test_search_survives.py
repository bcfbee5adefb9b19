"""A search whose worker is killed while it takes a step: nothing is lost, nothing is doubled."""

import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from epochd.embedded.leash import Leash
from models.lifecycle import State
from models.views.trial import TrialView
from store import failpoints
from store.failpoints import Place
from tests.worker.site import Site, site, until
from tests.worker.specs import small

KILLED = -signal.SIGKILL
# From its start to the end of its first trial, on cores that others keep busy.
DEATH_SECONDS = 120


@pytest.fixture
def hasty(database_url: str, broker_url: str, leash: Leash, tmp_path: Path) -> Iterator[Site]:
    """A site that soon takes a silent worker for dead."""
    with site(
        database_url=database_url, broker_url=broker_url, folder=tmp_path, leash=leash, lease=3.0
    ) as made:
        yield made


def _drawn_by_what_went_before(found: Site) -> dict[str, Any]:
    rate = {"float": {"low": 0.001, "high": 0.1, "log": True}}
    over = {"compile.optimizer.learning_rate": rate}
    search = {"strategy": "tpe", "over": over, "count": 8, "startup": 2}
    return small(found.table(), search=search, limits={"max_parallel": 1})


def _tried(trials: Sequence[TrialView]) -> list[tuple[str, int]]:
    return sorted((str(trial.setting), trial.seed) for trial in trials)


def _over(trials: Sequence[TrialView]) -> list[int]:
    return [trial.number for trial in trials if trial.is_terminal]


# There a killed worker's connection may hold its locks for a moment longer than it lives.
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_worker_killed_between_the_end_of_a_trial_and_its_commit_changes_no_search(
    hasty: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment_id = hasty.submit(_drawn_by_what_went_before(hasty))
    first = hasty.start()
    until(lambda: len(_over(hasty.trials(experiment_id))) > 1, "the end of two trials")
    assert first.end() == 0
    before = hasty.trials(experiment_id)

    monkeypatch.setenv(failpoints.VARIABLE, f"{Place.ADVANCED}=kill")
    doomed = hasty.start()
    monkeypatch.delenv(failpoints.VARIABLE)
    assert doomed.process.wait(DEATH_SECONDS) == KILLED

    left = hasty.trials(experiment_id)
    assert _over(left) == _over(before)  # the end that it wrote is undone,
    assert _tried(left) == _tried(before)  # and with it what followed from it
    hasty.start()
    assert hasty.wait_until_over(experiment_id).state is State.SUCCEEDED
    undisturbed = hasty.submit(_drawn_by_what_went_before(hasty))
    hasty.wait_until_over(undisturbed)
    tried = _tried(hasty.trials(experiment_id))
    assert tried == _tried(hasty.trials(undisturbed))
    assert len(set(tried)) == len(tried) > len(before)
