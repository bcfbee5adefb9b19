"""The parts that all other tests stand on work, and leave nothing behind."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
import redis
import sqlalchemy

from epochd.embedded.leash import Leash
from tests.processes import has_ended
from tests.servers.databases import Databases, Kind
from tests.servers.valkey import ValkeyServer


def test_a_database_can_be_written_and_read(database_url: str) -> None:
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE drawn (number INTEGER)"))
        connection.execute(sqlalchemy.text("INSERT INTO drawn VALUES (7)"))
        assert connection.execute(sqlalchemy.text("SELECT number FROM drawn")).scalar() == 7
    engine.dispose()


def test_two_databases_of_one_server_share_nothing(
    databases: Databases, database_kind: Kind
) -> None:
    with databases.fresh(database_kind) as one, databases.fresh(database_kind) as other:
        writer, reader = sqlalchemy.create_engine(one), sqlalchemy.create_engine(other)
        with writer.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE drawn (number INTEGER)"))
        assert not sqlalchemy.inspect(reader).has_table("drawn")
        writer.dispose()
        reader.dispose()


def test_two_brokers_of_one_server_share_nothing(
    broker_url: str, valkey_server: ValkeyServer
) -> None:
    with (
        redis.Redis.from_url(broker_url) as mine,
        redis.Redis.from_url(valkey_server.url()) as all_,
    ):
        mine.set("ring", "work")
        assert mine.get("ring") == b"work"
        assert all_.get("ring") is None


def test_a_broker_keeps_what_was_queued_over_a_restart(tmp_path: Path, leash: Leash) -> None:
    server = ValkeyServer(tmp_path, leash)
    server.start()
    with redis.Redis.from_url(server.url()) as client:
        client.lpush("train", "work")
    server.stop()
    server.start()
    with redis.Redis.from_url(server.url()) as client:
        assert client.lpop("train") == b"work"
    server.stop()


def test_a_broker_answers_nobody_without_its_password(valkey_server: ValkeyServer) -> None:
    address = valkey_server.url().partition("@")[2]
    with (
        redis.Redis.from_url(f"redis://{address}") as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_a_process_on_the_leash_ends_when_its_owner_is_killed() -> None:
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent("""
                import signal, subprocess, sys
                from epochd.embedded.leash import Leash
                leash = Leash()
                child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                leash.hold(child, signal.SIGTERM)
                print(child.pid, flush=True)
                child.wait()
            """),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    child = psutil.Process(int(owner.stdout.readline()))
    owner.kill()
    owner.communicate()
    deadline = time.monotonic() + 20
    while not has_ended(child):
        assert time.monotonic() < deadline, "the child outlived its owner"
        time.sleep(0.05)
