"""What every rule came to when a training was judged, kept beside what was found."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trials", sa.Column("checks", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("trials", "checks")
