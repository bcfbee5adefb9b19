"""Checkpoints: which epoch a stored file is of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("artifacts", sa.Column("epoch", sa.Integer(), nullable=True))


def downgrade() -> None:
    # Without its epoch nobody could go on from one; the files are collected as any that no row
    # names, and the trials start from the beginning.
    op.execute("DELETE FROM artifacts WHERE kind = 'checkpoint'")
    op.drop_column("artifacts", "epoch")
