"""A training that goes on from a checkpoint ends as one that was never interrupted: bit by bit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from models.lifecycle import StopReason
from tests.trainer.zoo import BATCH, ROWS, ZOO, Animal, Training, ready
from worker.messages import Epoch, StopCause
from worker.trainer import checkpoint
from worker.trainer.checkpoint import Progress
from worker.trainer.loop import Position
from worker.trainer.wire import Interrupted

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

INITIAL_LOSS = 1.25
BY_NAME = {animal.name: animal for animal in ZOO}
each_animal = pytest.mark.parametrize("animal", ZOO, ids=lambda animal: animal.name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training led to."""

    ending: StopReason
    rows: list[dict[str, Any]]
    values: list[NDArray[np.generic]]


def _outcome(training: Training, ending: StopReason) -> Outcome:
    # Not the seed generators of random layers: every epoch begins by giving them a fresh seed.
    variables = [*training.network.weights, *training.network.optimizer.variables]
    return Outcome(ending, _comparable(training.seen), [each.numpy() for each in variables])


def _comparable(rows: Sequence[Epoch]) -> list[dict[str, Any]]:
    return [row.model_dump(exclude={"seconds"}) for row in rows]


class Undisturbed(NamedTuple):
    """What each animal comes to in peace, with a checkpoint after every epoch: `3.npz`."""

    outcome: Outcome
    checkpoints: Path


Trained = Callable[[Animal], Undisturbed]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trains an animal for the first test that asks."""

    @cache
    def train(name: str) -> Undisturbed:
        folder = tmp_path_factory.mktemp("checkpoints")
        training = ready(BY_NAME[name], after_epoch=_Writing(folder))
        return Undisturbed(_outcome(training, training.loop.run()), folder)

    return lambda animal: train(animal.name)


@dataclass(frozen=True, slots=True)
class _Writing:
    folder: Path

    def __call__(self, training: Training, position: Position) -> None:
        progress = Progress(
            position=position,
            initial_loss=INITIAL_LOSS,
            losses=tuple(row.metrics["loss"] for row in training.seen),
        )
        path = self.folder / f"{position.epoch}.npz"
        checkpoint.write(path, training.network, training.callbacks, progress)


def _resumed(training: Training, path: Path) -> Outcome:
    training.seen.clear()
    resumed = checkpoint.load(path, training.network, training.callbacks)
    assert resumed.progress.initial_loss == INITIAL_LOSS
    ending = training.loop.run(
        resumed.progress.position, restore=lambda: resumed.restore(training.callbacks)
    )
    return _outcome(training, ending)


def _assert_same_end(resumed: Outcome, undisturbed: Outcome, after: int) -> None:
    assert resumed.rows == undisturbed.rows[after:]
    assert resumed.ending is undisturbed.ending
    for mine, other in zip(resumed.values, undisturbed.values, strict=True):
        np.testing.assert_array_equal(mine, other)


@each_animal
def test_after_whichever_epoch_it_goes_on_a_training_ends_the_same(
    animal: Animal, undisturbed: Trained
) -> None:
    """First in a fresh network; then in the same, since what it has become must not matter."""
    outcome, checkpoints = undisturbed(animal)
    training = ready(animal)

    for epoch in range(1, len(outcome.rows) + 1):
        _assert_same_end(_resumed(training, checkpoints / f"{epoch}.npz"), outcome, epoch)


@pytest.mark.parametrize("batch", [1, 4, 7])
def test_a_training_killed_within_an_epoch_goes_on_from_the_one_before(
    tmp_path: Path, undisturbed: Trained, batch: int
) -> None:
    animal, (steps, cut) = ZOO[0], (-(-ROWS // BATCH) + 1, 2)
    batches = 0

    def between() -> None:
        nonlocal batches
        batches += 1
        if batches == cut * steps + batch:
            raise Interrupted(StopCause.DRAIN)

    # The others run many batches in one call; that must make no difference either.
    killed = ready(animal, after_epoch=_Writing(tmp_path), between=between, batch_by_batch=True)
    with pytest.raises(Interrupted):
        killed.loop.run()

    newest = cut + (batch > steps)
    assert max(path.name for path in tmp_path.iterdir()) == f"{newest}.npz"
    resumed = _resumed(ready(animal), tmp_path / f"{newest}.npz")
    _assert_same_end(resumed, undisturbed(animal).outcome, newest)


def test_the_zoo_shows_what_it_is_meant_to(undisturbed: Trained) -> None:
    """A plateau that fires before and after a cut, and a stop that restores an earlier epoch."""
    plateau, _ = undisturbed(next(each for each in ZOO if "every epoch" in each.name))
    stopped, _ = undisturbed(next(each for each in ZOO if "restores" in each.name))

    rates = [row["learning_rate"] for row in plateau.rows]
    assert rates == [0.001, 0.001, 0.0005, 0.00025, 0.000125]
    losses = [row["metrics"]["val_loss"] for row in stopped.rows]
    assert stopped.ending is StopReason.EARLY_STOPPED
    assert losses.index(min(losses)) == len(losses) - 4
