"""Three learning rates with KerasTuner's grid search."""

import time

import keras
import keras_tuner
from network import fitting, network, stopping
from task import answer, asked

IMPORTED = time.monotonic()


class Epochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts the epochs of one training; the tuner gives every trial a copy."""

    trained: dict[float, int] = {}  # noqa: RUF012 - shared by the copies, on purpose

    def on_epoch_end(self, epoch: int, _logs: object = None) -> None:
        """One more."""
        self.trained[float(self.model.optimizer.learning_rate)] = epoch + 1


def main() -> None:
    """Search, with the tuner's files in the task's folder."""
    task = asked()
    x, y = task.rows()

    def build(choices: keras_tuner.HyperParameters) -> keras.Model:
        return network(task, choices.Choice("learning_rate", list(task.rates)))

    tuner = keras_tuner.GridSearch(
        build, objective="val_loss", directory=task.folder, project_name="grid"
    )
    tuner.search(x, y, callbacks=[stopping(task), Epochs()], **fitting(task))
    best = tuner.get_best_hyperparameters()[0].get("learning_rate")
    answer(imported=IMPORTED, best=best, epochs=Epochs.trained)


main()
