"""A training is judged when it ends, by what is stored of it; its result is worth more."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from health.course import Course
from models.errors import Unavailable
from models.findings import Check, Finding, Judgement
from models.lifecycle import State, StopReason
from models.specs.experiment import ExperimentSpec
from models.tables.trials import EpochRow, TrialRow
from store.database import Database
from tests.worker.inline import SCRIPTED_TRAINER, InlineWorker
from tests.worker.scripted import EPOCHS, TIMING, Script, one_database, submit
from tests.worker.site import Site
from worker import judging


class Rule:
    """Finds something wrong with every training, and remembers what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[Course] = []

    def __call__(
        self, course: Course, *, spec: ExperimentSpec, changes: Mapping[str, JsonValue]
    ) -> Judgement:
        del spec, changes
        self.asked.append(course)
        return Judgement(findings=(FOUND,), checks=(CHECKED,))


FOUND = Finding(
    code="dead_neurons", severity="problem", evidence="8 of 8.", explanation="So.", advice="Try."
)
CHECKED = Check(code="dead_neurons", outcome="found", reason="8 of 8.")


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Rule:
    rule = Rule()
    monkeypatch.setattr(judging, "judge", rule)
    return rule


def test_a_training_that_went_on_elsewhere_is_judged_by_all_that_is_kept_of_it(
    here: Site, script: Script, rule: Rule
) -> None:
    script({4: ["checkpoint"], 6: ["die"]})
    experiment_id = submit(here)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING).work()

    assert here.trial(experiment_id).findings == (FOUND,)
    (course,) = rule.asked
    assert [row["loss"] for row in course.epochs] == [1 / n for n in range(1, EPOCHS + 1)]
    assert [row.epoch for row in course.measurements] == list(range(EPOCHS + 1))
    assert course.best_epoch == EPOCHS
    assert course.stop_reason is StopReason.COMPLETED
    assert course.trial.network.layers[-1].layer == "Dense"


@one_database
def test_a_training_that_took_too_long_is_judged(here: Site, script: Script, rule: Rule) -> None:
    script({5: ["hold"]})
    experiment_id = submit(here, max_seconds=1)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING).work()

    trial = here.trial(experiment_id)
    assert (trial.stop_reason, trial.findings) == (StopReason.TIMED_OUT, (FOUND,))
    assert len(rule.asked[0].epochs) == 5


@one_database
def test_a_training_is_not_judged_before_all_of_it_is_written(
    here: Site, database_url: str, script: Script, rule: Rule
) -> None:
    script({})
    experiment_id = submit(here)
    database = AwayForTheLastEpoch(database_url, times=3)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING, database=database).work()
    database.dispose()

    assert here.trial(experiment_id).findings == (FOUND,)
    assert [len(course.epochs) for course in rule.asked] == [EPOCHS]


class AwayForTheLastEpoch(Database):
    """Goes away when the last epoch is to be committed by itself, the first so many times."""

    def __init__(self, url: str, times: int) -> None:
        super().__init__(url)
        self._times = times

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with super().transaction() as tx:
            yield tx
            last = select(EpochRow.epoch).join(TrialRow).where(EpochRow.epoch == EPOCHS)
            if self._times and tx.scalar(last.where(TrialRow.state == State.RUNNING)):
                self._times -= 1
                raise Unavailable


@one_database
def test_a_rule_that_fails_does_not_cost_the_result(
    here: Site, script: Script, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken(course: Course, **_: object) -> Judgement:
        raise ZeroDivisionError(course)

    monkeypatch.setattr(judging, "judge", mistaken)
    script({})
    experiment_id = submit(here)

    InlineWorker(here, SCRIPTED_TRAINER, TIMING).work()

    trial = here.trial(experiment_id)
    assert (trial.state, trial.findings) == (State.SUCCEEDED, ())
    assert any("cannot be judged" in line for line in caplog.messages)
