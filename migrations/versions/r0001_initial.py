"""All tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON()
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("source", _one_of("source", "upload", "inline", "builtin"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", _one_of("state", "processing", "ready", "failed"), nullable=False),
        sa.Column("folder", sa.String(length=500), nullable=True),
        sa.Column("upload", sa.String(length=500), nullable=True),
        sa.Column("profile", DOCUMENT, nullable=True),
        sa.Column("error", DOCUMENT, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("rung_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("deleted_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
    )
    op.create_index("ix_datasets_folder", "datasets", ["folder"])
    op.create_index("ix_datasets_owner_id", "datasets", ["owner", "id"])
    op.create_index("ix_datasets_state", "datasets", ["state"])
    op.create_index(
        "uq_datasets_owner_sha256",
        "datasets",
        ["owner", "sha256"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND state <> 'failed'"),
        postgresql_where=sa.text("deleted_at IS NULL AND state <> 'failed'"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("experiment_id", sa.String(length=40), nullable=False),
        sa.Column("answer", DOCUMENT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", _one_of("kind", "train", "control"), nullable=False),
        sa.Column("device", _one_of("device", "any", "cpu", "gpu"), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("heartbeat_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_table(
        "experiments",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            _one_of("state", "queued", "running", "cancelling", "succeeded", "failed", "cancelled"),
            nullable=False,
        ),
        sa.Column("spec", DOCUMENT, nullable=False),
        sa.Column("dataset_id", sa.String(length=60), nullable=False),
        sa.Column("metric", sa.String(length=100), nullable=False),
        sa.Column("mode", sa.String(length=3), nullable=False),
        sa.Column("precedence", sa.Integer(), nullable=False),
        sa.Column("max_parallel", sa.Integer(), nullable=False),
        sa.Column("device", _one_of("device", "any", "cpu", "gpu"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("last_event", sa.BigInteger(), nullable=False),
        sa.Column("rung_at", TIME, nullable=True),
        sa.Column("conclusion", DOCUMENT, nullable=True),
        sa.Column("findings", DOCUMENT, nullable=True),
        sa.Column("error", DOCUMENT, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_experiments_dataset_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiments")),
    )
    op.create_index("ix_experiments_dataset_id", "experiments", ["dataset_id"])
    op.create_index("ix_experiments_owner_id", "experiments", ["owner", "id"])
    op.create_index("ix_experiments_owner_state_id", "experiments", ["owner", "state", "id"])
    op.create_index(
        "ix_experiments_queue",
        "experiments",
        ["precedence", "created_at", "id"],
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "artifacts",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("kind", _one_of("kind", "network", "checkpoint", "upload"), nullable=False),
        sa.Column("experiment_id", sa.String(length=40), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiments.id"],
            name=op.f("fk_artifacts_experiment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifacts")),
        sa.UniqueConstraint("key", name=op.f("uq_artifacts_key")),
    )
    op.create_index("ix_artifacts_experiment_id_trial", "artifacts", ["experiment_id", "trial"])
    op.create_table(
        "events",
        sa.Column("experiment_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("worker", sa.String(length=200), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiments.id"],
            name=op.f("fk_events_experiment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("experiment_id", "number", name=op.f("pk_events")),
    )
    op.create_table(
        "experiment_labels",
        sa.Column("experiment_id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=63), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiments.id"],
            name=op.f("fk_experiment_labels_experiment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("experiment_id", "key", name=op.f("pk_experiment_labels")),
    )
    op.create_index(
        "ix_experiment_labels_key_value", "experiment_labels", ["key", "value", "experiment_id"]
    )
    op.create_table(
        "trials",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("experiment_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("candidate", sa.Integer(), nullable=False),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("setting", DOCUMENT, nullable=False),
        sa.Column("changes", DOCUMENT, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("parameters", sa.BigInteger(), nullable=False),
        sa.Column("epochs_planned", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            _one_of("state", "queued", "running", "cancelling", "succeeded", "failed", "cancelled"),
            nullable=False,
        ),
        sa.Column(
            "stop_reason",
            _one_of(
                "stop_reason",
                "completed",
                "early_stopped",
                "diverged",
                "pruned",
                "cancelled",
                "timed_out",
                "out_of_memory",
                "worker_lost",
                "error",
            ),
            nullable=True,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("queued_at", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("epochs_done", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("best_value", sa.Double(), nullable=True),
        sa.Column("best_epoch", sa.Integer(), nullable=True),
        sa.Column("engine", DOCUMENT, nullable=True),
        sa.Column("findings", DOCUMENT, nullable=True),
        sa.Column("error", DOCUMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiments.id"],
            name=op.f("fk_trials_experiment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trials")),
        sa.UniqueConstraint("experiment_id", "number", name=op.f("uq_trials_experiment_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_trials_experiment_id_state_number", "trials", ["experiment_id", "state", "number"]
    )
    op.create_index(
        "ix_trials_leases",
        "trials",
        ["lease_until"],
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_table(
        "attempts",
        sa.Column("trial_id", ROW_NUMBER, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["trial_id"], ["trials.id"], name=op.f("fk_attempts_trial_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("trial_id", "number", name=op.f("pk_attempts")),
    )
    op.create_table(
        "epochs",
        sa.Column("trial_id", ROW_NUMBER, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("metrics", DOCUMENT, nullable=False),
        sa.Column("non_finite", DOCUMENT, nullable=True),
        sa.Column("learning_rate", sa.Double(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("finished_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["trial_id"], ["trials.id"], name=op.f("fk_epochs_trial_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("trial_id", "epoch", name=op.f("pk_epochs")),
    )


def downgrade() -> None:
    op.drop_table("epochs")
    op.drop_table("attempts")
    op.drop_table("trials")
    op.drop_table("experiment_labels")
    op.drop_table("events")
    op.drop_table("artifacts")
    op.drop_table("experiments")
    op.drop_table("workers")
    op.drop_table("idempotency_keys")
    op.drop_table("datasets")
