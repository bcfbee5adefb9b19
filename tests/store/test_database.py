"""Transactions, snapshots, the database's clock, and what an error becomes."""

import threading
import time
from contextlib import nullcontext

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import InternalError, OperationalError

from models.errors import Invalid, Unavailable
from models.tables.experiments import ExperimentRow
from store import experiments, sqlite
from store.clock import now
from store.database import Database
from tests.servers.databases import Kind
from tests.servers.postgres import PostgresServer
from tests.store.scenes import OWNER, Scene

END_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'epochd'"
)


def test_what_a_failing_transaction_wrote_is_gone(scene: Scene) -> None:
    experiment_id = scene.submit()

    def change_and_fail() -> None:
        with scene.database.transaction() as tx:
            tx.execute(update(ExperimentRow).values(name="changed"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert scene.experiment(experiment_id).name == "which learning rate?"


def test_a_snapshot_never_writes(scene: Scene, database_kind: Kind) -> None:
    experiment_id = scene.submit()
    refused = pytest.raises(InternalError, match="read-only")
    with (
        refused if database_kind == "postgresql" else nullcontext(),
        scene.database.snapshot() as tx,
    ):
        tx.execute(update(ExperimentRow).values(name="changed"))
    assert scene.experiment(experiment_id).name == "which learning rate?"


def test_every_query_of_a_snapshot_sees_the_same_moment(scene: Scene, database_kind: Kind) -> None:
    if database_kind == "sqlite":
        pytest.skip("with a rollback journal, SQLite lets a writer wait for the reader instead")
    experiment_id = scene.submit()
    with scene.database.snapshot() as tx:
        before = experiments.version(tx, owner=OWNER, experiment_id=experiment_id)
        scene.must_claim()
        assert experiments.version(tx, owner=OWNER, experiment_id=experiment_id) == before


def test_the_clock_is_the_databases_and_goes_on_within_a_transaction(database: Database) -> None:
    with database.transaction() as tx:
        first, later, earlier = tx.execute(select(now(), now(30), now(-1.5))).one()
        second = tx.scalars(select(now())).one()
    assert (later - first).total_seconds() == pytest.approx(30, abs=0.01)
    assert (first - earlier).total_seconds() == pytest.approx(1.5, abs=0.01)
    assert second >= first
    assert first.tzinfo is not None


def test_a_number_that_is_not_finite_is_null_in_stored_json(scene: Scene) -> None:
    experiment_id = scene.submit()
    with scene.database.transaction() as tx:
        tx.execute(update(ExperimentRow).values(conclusion={"score": float("nan")}))
        document = tx.scalars(select(ExperimentRow.conclusion)).one()
    assert document == {"score": None}, experiment_id


def test_json_keeps_the_order_of_its_keys(scene: Scene) -> None:
    scene.submit()
    networks = {"wide": 1, "a": 2, "narrow": 3}
    with scene.database.transaction() as tx:
        tx.execute(update(ExperimentRow).values(conclusion=networks))
        document = tx.scalars(select(ExperimentRow.conclusion)).one()
    assert document is not None
    assert list(document) == ["wide", "a", "narrow"]


def test_a_text_that_the_database_cannot_hold_is_the_clients_mistake(
    scene: Scene, database_kind: Kind
) -> None:
    if database_kind == "sqlite":
        pytest.skip("SQLite holds any text")
    with pytest.raises(Invalid), scene.database.transaction() as tx:
        tx.execute(update(ExperimentRow).values(name="\x00"))


def test_a_number_out_of_range_is_the_clients_mistake(scene: Scene) -> None:
    with pytest.raises(Invalid), scene.database.snapshot() as tx:
        tx.execute(select(ExperimentRow).where(ExperimentRow.version == 10**30))


def test_a_mistake_of_ours_is_not_called_an_outage(database: Database) -> None:
    with pytest.raises(Exception, match="no_such_table") as caught, database.snapshot() as tx:
        tx.execute(text("SELECT 1 FROM no_such_table"))
    assert not isinstance(caught.value, Unavailable)


def test_a_database_that_is_not_there_is_unavailable() -> None:
    for url in ("postgresql://nobody@127.0.0.1:9/none", "sqlite:////nowhere/at/all.sqlite3"):
        database = Database(url)
        with pytest.raises(Unavailable):
            database.ping()
        database.dispose()


def test_a_connection_that_died_is_replaced(
    scene: Scene, database_kind: Kind, postgres_server: PostgresServer
) -> None:
    if database_kind == "sqlite":
        pytest.skip("SQLite has no connections to lose")
    scene.database.ping()
    postgres_server.execute(END_CONNECTIONS)
    scene.database.ping()


def test_a_connection_that_dies_in_a_transaction_is_an_outage(
    scene: Scene, database_kind: Kind, postgres_server: PostgresServer
) -> None:
    if database_kind == "sqlite":
        pytest.skip("SQLite has no connections to lose")

    def lose_the_connection() -> None:
        with scene.database.transaction() as tx:
            tx.execute(text("SELECT 1"))
            postgres_server.execute(END_CONNECTIONS)
            tx.execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        lose_the_connection()


def test_a_writer_waits_for_another_on_sqlite(scene: Scene, database_kind: Kind) -> None:
    if database_kind == "postgresql":
        pytest.skip("PostgreSQL locks rows")
    scene.submit()
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with scene.database.transaction() as tx:
            tx.execute(text("SELECT 1"))
            inside.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(10)
    threading.Timer(0.2, leave.set).start()
    assert scene.claim() is not None
    holder.join()


def test_a_writer_that_waits_on_sqlite_gives_up_soon_when_it_is_to_end(
    scene: Scene, database_url: str, database_kind: Kind
) -> None:
    if database_kind == "postgresql":
        pytest.skip("PostgreSQL locks rows")
    hurry = threading.Event()
    other = Database(database_url, hurry=hurry)
    threading.Timer(1.0, hurry.set).start()
    begun = time.monotonic()
    with scene.database.transaction() as first:
        first.execute(text("SELECT 1"))
        with pytest.raises(Unavailable, match="locked"), other.transaction() as tx:
            tx.execute(text("SELECT 1"))
    assert sqlite.HURRIED_SECONDS <= time.monotonic() - begun < 10.0
    with other.transaction() as tx:
        wait = tx.execute(text("PRAGMA busy_timeout")).scalar_one()
    assert wait == 1000 * sqlite.BUSY_SECONDS
    other.dispose()


def test_a_transaction_on_sqlite_is_the_only_writer_from_its_first_read_on(
    database_url: str, database_kind: Kind
) -> None:
    if database_kind == "postgresql":
        pytest.skip("PostgreSQL locks rows")
    one, other = Database(database_url), Database(database_url)
    with one.transaction() as first, other.snapshot() as tx:
        first.execute(text("SELECT 1"))
        tx.execute(text("PRAGMA busy_timeout=0"))
        with pytest.raises(OperationalError, match="locked"):
            tx.connection().exec_driver_sql("UPDATE experiments SET name = ''")
    one.dispose()
    other.dispose()


def test_foreign_keys_are_kept(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.transaction() as tx:
        tx.execute(
            insert(ExperimentRow).values(
                id="exp_1",
                owner=OWNER,
                name="",
                state="queued",
                spec={},
                dataset_id="ds_none",
                metric="loss",
                mode="min",
                precedence=0,
                max_parallel=1,
                device="any",
                created_at=now(),
            )
        )


@pytest.mark.parametrize(
    "version", [(3, 44, 6), (3, 44, 7), (3, 50, 7), (3, 51, 3), (3, 52, 0), (4, 0, 0)]
)
def test_wal_is_used_where_it_is_mended(version: tuple[int, int, int]) -> None:
    assert sqlite.safe_with_wal(version)


@pytest.mark.parametrize(
    "version", [(3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 49, 9), (3, 50, 6), (3, 51, 2)]
)
def test_wal_is_not_used_where_it_may_lose_data(version: tuple[int, int, int]) -> None:
    assert not sqlite.safe_with_wal(version)
