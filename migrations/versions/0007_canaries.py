"""The canary: a row for each run of a worker."""

import sqlalchemy as sa
from alembic import op

from app.backends.columns import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "canaries",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("sung_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_canaries"),
    )


def downgrade() -> None:
    op.drop_table("canaries")
