"""Scratch folders go with their process, however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from worker import scratch

OWNER = """
import signal, sys
from pathlib import Path
from worker.scratch import process_folder
with process_folder(Path(sys.argv[1])) as folder:
    (folder / "checkpoint.npz").write_bytes(b"half")
    print(folder, flush=True)
    signal.pause()
"""


def owner(place: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(place)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_the_folders_of_killed_processes_are_removed_and_those_of_living_ones_stay(
    tmp_path: Path,
) -> None:
    killed, left_behind = owner(tmp_path)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    living, used = owner(tmp_path)
    somebodys = tmp_path / "epochd-worker-by-hand"
    somebodys.mkdir()
    try:
        with scratch.process_folder(tmp_path) as own:
            assert str(os.getpid()) in own.name
            scratch.remove_abandoned(tmp_path)
            assert own.is_dir()
            assert not left_behind.exists()
            assert (used / "checkpoint.npz").exists()
            assert somebodys.exists()  # it may be about to get its lock
        assert not own.exists()
    finally:
        living.kill()
        living.communicate()
