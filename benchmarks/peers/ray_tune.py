"""Three learning rates with Ray Tune: a trial a core, each in a worker process of Ray's.

Keras is imported by the workers, so what is imported here is Ray alone. The callback's checkpoints
are off: by default it saves a network every epoch.
"""

import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from task import Task, answer, asked

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import ray
from ray import tune

IMPORTED = time.monotonic()


def train(config: dict[str, Any]) -> None:
    """One trial, in a process that has imported nothing yet."""
    from network import fitting, network, stopping  # noqa: PLC0415
    from ray.tune.integration.keras import TuneReportCheckpointCallback  # noqa: PLC0415

    task = Task(**config["task"])
    x, y = task.rows()
    reporting = TuneReportCheckpointCallback(checkpoint_on=[])
    callbacks = [stopping(task), reporting]
    network(task, config["learning_rate"]).fit(x, y, callbacks=callbacks, **fitting(task))


def main() -> None:
    """Search, with Ray's files in the task's folder."""
    task = asked()
    ray.init(
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        _temp_dir=str(Path(task.folder) / "ray"),
    )
    tuner = tune.Tuner(
        train,
        param_space={"task": asdict(task), "learning_rate": tune.grid_search(list(task.rates))},
        tune_config=tune.TuneConfig(metric="val_loss", mode="min"),
        run_config=tune.RunConfig(storage_path=task.folder, name="grid", verbose=0),
    )
    results = tuner.fit()
    epochs = {it.config["learning_rate"]: it.metrics["training_iteration"] for it in results}
    best = results.get_best_result().config["learning_rate"]
    answer(imported=IMPORTED, best=best, epochs=epochs)


main()
