"""A training that goes on from a checkpoint ends as one that was never interrupted: bit by bit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.lifecycle import StopReason
from tests.trainer.zoo import ZOO, Animal, Training, ready
from worker.messages import Epoch
from worker.trainer import checkpoint
from worker.trainer.checkpoint import Progress
from worker.trainer.loop import Position

# Keras converts its variables in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

INITIAL_LOSS = 1.25
each_animal = pytest.mark.parametrize("animal", ZOO, ids=lambda animal: animal.name)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training led to."""

    ending: StopReason
    rows: list[dict[str, object]]
    values: list[NDArray[np.generic]]


def _outcome(training: Training, ending: StopReason) -> Outcome:
    variables = [*training.network.variables, *training.network.optimizer.variables]
    return Outcome(ending, _comparable(training.seen), [each.numpy() for each in variables])


def _comparable(rows: Sequence[Epoch]) -> list[dict[str, object]]:
    return [row.model_dump(exclude={"seconds"}) for row in rows]


def _undisturbed(animal: Animal, folder: Path | None = None) -> Outcome:
    """Train to the end, leaving a checkpoint after every epoch where there is a folder for it."""
    training = ready(animal, after_epoch=None if folder is None else _Writing(folder))
    return _outcome(training, training.loop.run())


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


def _resumed(animal: Animal, path: Path) -> Outcome:
    training = ready(animal)
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
    animal: Animal, tmp_path: Path
) -> None:
    undisturbed = _undisturbed(animal, tmp_path)
    epochs = len(undisturbed.rows)

    for epoch in range(1, epochs + 1):
        _assert_same_end(_resumed(animal, tmp_path / f"{epoch}.npz"), undisturbed, epoch)
