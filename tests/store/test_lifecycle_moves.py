"""Every move from every state, on both databases: what the lifecycle lists, and nothing else."""

import pytest
from sqlalchemy import func, select, true, update

from models.errors import IllegalMove
from models.lifecycle import (
    EXPERIMENT_MOVES,
    TRIAL_MOVES,
    ExperimentMove,
    State,
    TrialMove,
)
from models.tables.experiments import EventRow, ExperimentRow
from models.tables.trials import TrialRow
from store import moves
from store.clock import now
from store.database import Database
from tests.store.scenes import Scene


@pytest.fixture(scope="module")
def scene(opened_database: Database) -> Scene:
    """One scene for all moves: each is made by an experiment of its own."""
    scene = Scene(opened_database)
    scene.add_dataset()
    return scene


def _events(scene: Scene, experiment_id: str, noun: str) -> int:
    with scene.database.snapshot() as tx:
        return tx.scalars(
            select(func.count()).where(
                EventRow.experiment_id == experiment_id, EventRow.kind.startswith(noun)
            )
        ).one()


@pytest.mark.parametrize("move", list(TrialMove))
@pytest.mark.parametrize("source", list(State))
def test_a_trial_moves_only_as_the_lifecycle_lists(
    scene: Scene, source: State, move: TrialMove
) -> None:
    experiment_id = scene.submit()
    with scene.database.transaction() as tx:
        tx.execute(
            update(TrialRow).where(TrialRow.experiment_id == experiment_id).values(state=source)
        )
    before = _events(scene, experiment_id, "trial.")
    target = TRIAL_MOVES.get((source, move))

    if target is None:
        with pytest.raises(IllegalMove), scene.database.transaction() as tx:
            moves.trials(tx, experiment_id, true(), source, move, reason="test")
    else:
        with scene.database.transaction() as tx:
            moves.trials(tx, experiment_id, true(), source, move, reason="test")

    trial = scene.trial(experiment_id)
    assert trial.state is (target or source)
    assert (trial.finished_at is not None) is (target is not None and target.is_terminal)
    assert _events(scene, experiment_id, "trial.") - before == (1 if target else 0)


@pytest.mark.parametrize("move", list(ExperimentMove))
@pytest.mark.parametrize("source", list(State))
def test_an_experiment_moves_only_as_the_lifecycle_lists(
    scene: Scene, source: State, move: ExperimentMove
) -> None:
    experiment_id = scene.submit()
    with scene.database.transaction() as tx:
        tx.execute(
            update(ExperimentRow).where(ExperimentRow.id == experiment_id).values(state=source)
        )
    before = _events(scene, experiment_id, "experiment.")
    target = EXPERIMENT_MOVES.get((source, move))

    if target is None:
        with pytest.raises(IllegalMove), scene.database.transaction() as tx:
            moves.experiment(tx, experiment_id, source, move, reason="test")
    else:
        with scene.database.transaction() as tx:
            moves.experiment(tx, experiment_id, source, move, reason="test")

    experiment = scene.experiment(experiment_id)
    assert experiment.state is (target or source)
    assert (experiment.finished_at is not None) is (target is not None and target.is_terminal)
    assert _events(scene, experiment_id, "experiment.") - before == (1 if target else 0)


def test_a_move_finds_nothing_when_the_state_has_changed_meanwhile(scene: Scene) -> None:
    experiment_id = scene.submit()
    with scene.database.transaction() as tx:
        tx.execute(
            update(TrialRow)
            .where(TrialRow.experiment_id == experiment_id)
            .values(state=State.SUCCEEDED, finished_at=now())
        )
        moved = moves.trials(
            tx, experiment_id, true(), State.QUEUED, TrialMove.CANCEL, reason="test"
        )
    assert moved == ()
    assert scene.trial(experiment_id).state is State.SUCCEEDED


def test_an_experiment_that_has_moved_meanwhile_is_not_moved(scene: Scene) -> None:
    experiment_id = scene.submit()
    with pytest.raises(IllegalMove), scene.database.transaction() as tx:
        moves.experiment(tx, experiment_id, State.RUNNING, ExperimentMove.SUCCEED, reason="test")
    assert scene.experiment(experiment_id).state is State.QUEUED
