"""Has the database itself write down who writes epochs, measurements and artifacts, by what right.

The service cannot get around a trigger, so a stale write that was let in is seen, however it came
about and whatever was written over it later.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from store.database import Database

_TABLE = """
CREATE TABLE audit_writes (
    what TEXT NOT NULL, trial_id BIGINT NOT NULL, epoch BIGINT, attempt BIGINT NOT NULL,
    holder BIGINT NOT NULL, state TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)
"""
_NOW = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "extract(epoch FROM clock_timestamp())",
}
_OF_TRIAL = """
INSERT INTO audit_writes SELECT '{what}', id, NEW.epoch, NEW.attempt, attempt, state, {now}
FROM trials WHERE id = NEW.trial_id;
"""
_ARTIFACT = """
INSERT INTO audit_writes SELECT NEW.kind, id, NULL, NEW.attempt, attempt, state, {now}
FROM trials WHERE experiment_id = NEW.experiment_id AND number = NEW.trial;
"""
_WATCHED = (
    ("epochs", "epoch", _OF_TRIAL),
    ("measurements", "measurement", _OF_TRIAL),
    ("artifacts", "artifact", _ARTIFACT),
)
# Whose attempt this is not, or whose trial is nobody's.
_STALE = "attempt <> holder OR state NOT IN ('running', 'cancelling')"


@dataclass(frozen=True, slots=True)
class FirstWrite:
    """When an attempt wrote its first epoch and its last, by the database's clock in seconds."""

    trial_id: int
    attempt: int
    first: float
    last: float
    epochs: int


def install(database: Database) -> None:
    """Add the triggers to an empty database."""
    kind = "sqlite" if database.url.startswith("sqlite") else "postgresql"
    with database.transaction() as tx:
        tx.execute(text(_TABLE))
        for table, what, statement in _WATCHED:
            noting = statement.format(what=what, now=_NOW[kind])
            for statement_of_one in _trigger(kind, table, noting):
                tx.connection().exec_driver_sql(statement_of_one)


def stale_writes(database: Database) -> Sequence[str]:
    """Every write that was let in although its attempt did not hold the trial."""
    with database.snapshot() as tx:
        rows = tx.execute(text(f"SELECT * FROM audit_writes WHERE {_STALE}")).all()  # noqa: S608 - ours
    return [str(tuple(row)) for row in rows]


def first_writes(database: Database) -> Sequence[FirstWrite]:
    """Of every attempt that wrote an epoch."""
    query = """
        SELECT trial_id, attempt, min(at), max(at), count(DISTINCT epoch) FROM audit_writes
        WHERE what = 'epoch' GROUP BY trial_id, attempt ORDER BY trial_id, attempt
    """
    with database.snapshot() as tx:
        return [FirstWrite(*row) for row in tx.execute(text(query)).all()]


def _trigger(kind: str, table: str, statement: str) -> Sequence[str]:
    if kind == "sqlite":
        return [
            f"CREATE TRIGGER audit_{table}_{event} AFTER {event} ON {table} BEGIN {statement} END"
            for event in ("INSERT", "UPDATE")
        ]
    return [
        f"""CREATE FUNCTION audit_{table}() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN {statement} RETURN NULL; END $$""",
        f"""CREATE TRIGGER audit_{table} AFTER INSERT OR UPDATE ON {table}
        FOR EACH ROW EXECUTE FUNCTION audit_{table}()""",
    ]
