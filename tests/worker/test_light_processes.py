"""Worker processes stay light: what is heavy is loaded where it is used, and nowhere else."""

import subprocess
import sys

import pytest

HEAVY = ("keras", "tensorflow", "sklearn", "fastapi")


@pytest.mark.parametrize(
    ("module", "allowed"),
    [("worker.run_train", set()), ("worker.run_control", {"sklearn"}), ("worker.sweep", set())],
)
def test_a_worker_loads_nothing_heavy_that_it_does_not_use(module: str, allowed: set[str]) -> None:
    look = f"import sys, {module}; print(*(set({HEAVY!r}) & set(sys.modules)))"

    ran = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)

    assert set(ran.stdout.split()) <= allowed
