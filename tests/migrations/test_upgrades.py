"""A database with data in it survives each step up and down, on both databases."""

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import text

from store import measurements, schema, trainings
from store.database import Database
from tests.servers.databases import Databases, Kind

EXPERIMENT = """
INSERT INTO experiments (id, owner, name, state, spec, dataset_id, metric, mode, precedence,
    max_parallel, device, version, last_event, created_at)
VALUES ('exp_1', 'local', '', 'running', '{}', 'ds_1', 'val_loss', 'min', 0, 1, 'any', 1, 0,
    '2026-01-01 00:00:00')
"""
DATASET = """
INSERT INTO datasets (id, owner, name, source, sha256, bytes, state, attempt, created_at)
VALUES ('ds_1', 'local', '', 'upload', 'f', 1, 'ready', 1, '2026-01-01 00:00:00')
"""
TRIAL = """
INSERT INTO trials (id, experiment_id, number, candidate, repeat, seed, setting, changes, reason,
    parameters, epochs_planned, state, attempt, crashes, created_at, queued_at, epochs_done,
    seconds)
VALUES (1, 'exp_1', 1, 0, 0, 7, '{}', '{}', '', 1, 1, 'queued', 0, 0, '2026-01-01 00:00:00',
    '2026-01-01 00:00:00', 0, 0)
"""
MEASUREMENT = """
INSERT INTO measurements (trial_id, epoch, attempt, "values")
VALUES (1, 0, 1, '{"rows": 8, "layers": [], "loss": null, "prior": null, "largest_input": null}')
"""
CHECKS = '[{"code": "diverged", "outcome": "healthy", "reason": "The loss is finite."}]'
ARTIFACT = """
INSERT INTO artifacts (kind, experiment_id, trial, attempt, key, sha256, bytes, created_at)
VALUES ('{kind}', 'exp_1', 1, 1, '{kind}', 'f', 1, '2026-01-01 00:00:00')
"""


@pytest.fixture
def database(databases: Databases, database_kind: Kind) -> Iterator[Database]:
    with databases.fresh(database_kind) as url:
        made = Database(url)
        yield made
        made.dispose()


def migrate(database: Database, revision: str) -> None:
    with database.transaction() as tx:
        config = schema.configuration()
        config.attributes["connection"] = tx.connection()
        step = command.upgrade if revision == "head" else command.downgrade
        step(config, revision)


def artifacts(database: Database, columns: str) -> list[tuple[object, ...]]:
    with database.snapshot() as tx:
        found = tx.execute(text(f"SELECT {columns} FROM artifacts ORDER BY kind"))  # noqa: S608
        return [tuple(row) for row in found]


def test_the_epoch_of_checkpoints_comes_and_goes_and_networks_stay(database: Database) -> None:
    migrate(database, "0001")
    with database.transaction() as tx:
        for statement in (DATASET, EXPERIMENT, ARTIFACT.format(kind="network")):
            tx.execute(text(statement))

    migrate(database, "head")
    assert artifacts(database, "kind, epoch") == [("network", None)]
    with database.transaction() as tx:
        tx.execute(text(ARTIFACT.format(kind="checkpoint")))
        tx.execute(text("UPDATE artifacts SET epoch = 7 WHERE kind = 'checkpoint'"))

    migrate(database, "0001")
    assert artifacts(database, "kind, key, sha256") == [("network", "network", "f")]
    migrate(database, "head")
    assert schema.at_head(database)


def test_trials_of_the_version_before_stay_and_have_no_measurements(database: Database) -> None:
    migrate(database, "0003")
    with database.transaction() as tx:
        for statement in (DATASET, EXPERIMENT, TRIAL):
            tx.execute(text(statement))

    migrate(database, "head")
    with database.transaction() as tx:
        assert tx.execute(text("SELECT id, warnings FROM experiments")).all() == [("exp_1", None)]
        assert measurements.of(tx, 1) == ()
        tx.execute(text(MEASUREMENT))
        assert [row.epoch for row in measurements.of(tx, 1)] == [0]

    migrate(database, "0003")
    with database.snapshot() as tx:
        assert tx.scalars(text("SELECT id FROM trials")).all() == [1]
    migrate(database, "head")
    assert schema.at_head(database)


def test_trials_that_were_judged_before_keep_their_findings_and_have_no_checks(
    database: Database,
) -> None:
    migrate(database, "0004")
    with database.transaction() as tx:
        for statement in (DATASET, EXPERIMENT, TRIAL):
            tx.execute(text(statement))
        tx.execute(text("UPDATE trials SET findings = '[]', stop_reason = 'completed'"))

    migrate(database, "head")
    with database.transaction() as tx:
        training = trainings.get(tx, owner="local", experiment_id="exp_1", number=1)
        assert (training.findings, training.checks) == ((), None)
        tx.execute(text("UPDATE trials SET checks = :checks"), {"checks": CHECKS})
    with database.snapshot() as tx:
        training = trainings.get(tx, owner="local", experiment_id="exp_1", number=1)
        assert [check.code for check in training.checks or ()] == ["diverged"]

    migrate(database, "0004")
    with database.snapshot() as tx:
        assert tx.scalars(text("SELECT number FROM trials")).all() == [1]
    migrate(database, "head")
    assert schema.at_head(database)
