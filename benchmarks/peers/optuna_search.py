"""Three learning rates with Optuna's grid sampler around Keras, one trial after the other."""

import time

import keras
import optuna
from network import fitting, network, stopping
from task import answer, asked

IMPORTED = time.monotonic()


def main() -> None:
    """Search in memory, as a study does by default."""
    task = asked()
    x, y = task.rows()
    epochs: dict[float, int] = {}

    def objective(trial: optuna.Trial) -> float:
        keras.backend.clear_session()
        rate = trial.suggest_categorical("learning_rate", task.rates)
        history = network(task, rate).fit(x, y, callbacks=[stopping(task)], **fitting(task))
        epochs[rate] = len(history.epoch)
        return float(min(history.history["val_loss"]))

    sampler = optuna.samplers.GridSampler({"learning_rate": task.rates})
    study = optuna.create_study(direction="minimize", sampler=sampler)
    study.optimize(objective)  # until the grid is used up
    answer(imported=IMPORTED, best=study.best_params["learning_rate"], epochs=epochs)


main()
