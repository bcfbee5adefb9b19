"""One service a data folder, one a port; whoever is refused learns why."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from epochd.embedded.data_folder import DataFolder
from epochd.embedded.listening import address, listen, listen_from
from epochd.errors import FolderTaken, PortTaken


def test_a_second_service_in_one_folder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as folder:
        folder.sign("http://127.0.0.1:8000")
        with pytest.raises(FolderTaken, match=rf"process {os.getpid()}, http://127.0.0.1:8000"):
            DataFolder(tmp_path / "data")


def test_a_folder_that_was_given_back_can_be_taken_again(tmp_path: Path) -> None:
    with DataFolder(tmp_path) as folder:
        folder.sign("http://127.0.0.1:8000")
    with DataFolder(tmp_path) as again:
        assert again.path == tmp_path


def test_a_folder_waits_for_what_a_killed_service_left(tmp_path: Path) -> None:
    # The lock outlives its process for as long as the guard keeps it, which is until the children
    # are gone.
    script = """
import os, sys, subprocess
from pathlib import Path
from epochd.embedded.data_folder import DataFolder
folder = DataFolder(Path(sys.argv[1]))
folder.sign("http://127.0.0.1:8000")
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"], pass_fds=[folder.lock])
os._exit(1)
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    with DataFolder(tmp_path) as folder:
        assert folder.path == tmp_path


def test_a_data_folder_is_closed_to_other_users(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "new") as folder:
        assert folder.path.stat().st_mode & 0o077 == 0
        assert folder.subfolder("broker").stat().st_mode & 0o077 == 0


def test_a_taken_port_is_told_with_a_way_out() -> None:
    with listen("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} .* taken .* --port {port + 1}"):
            listen("127.0.0.1", port)


def test_the_next_free_port_is_found() -> None:
    with listen("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        with listen_from("127.0.0.1", port) as found:
            assert found.getsockname()[1] > port


def test_a_host_that_is_not_here_is_told() -> None:
    with pytest.raises(PortTaken, match=r"cannot listen on 203\.0\.113\.7"):
        listen("203.0.113.7", 8000)


def test_the_address_of_a_socket_open_to_all_is_one_that_works_here() -> None:
    with listen("0.0.0.0", 0) as listener:  # noqa: S104 - what is tested
        assert address(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
