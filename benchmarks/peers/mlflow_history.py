"""An MLflow tracking server of one process with one run, until standard input closes.

The first line that is printed is the path of the run's history of one metric: a row an epoch.
"""

import os
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric

READY_SECONDS = 120
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")


def main() -> None:
    """Take a folder, a port and a number of epochs from the command line."""
    folder, port, epochs = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    server = _started(folder, port)
    try:
        run = _logged(port, epochs)
        path = f"/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=val_loss"
        print(path, flush=True)
        sys.stdin.read()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _started(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """The server on SQLite, which is MLflow's default."""
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "mlflow.log").open("w") as log:
        return subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Its job runners have nothing to do with tracking, and would take from its time.
            env=os.environ
            | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )


def _logged(port: int, epochs: int) -> str:
    """A run with four metrics an epoch, as a training has them; its id."""
    _wait_for(port)
    client = MlflowClient(f"http://127.0.0.1:{port}")
    run = str(client.create_run("0").info.run_id)
    for epoch in range(1, epochs + 1):
        now = int(time.time() * 1000)
        metrics = [Metric(name, 1 / epoch, now, epoch) for name in METRICS]
        client.log_batch(run, metrics=metrics)
    return run


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            connection.getresponse().read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


main()
