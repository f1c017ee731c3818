"""Files."""

import sqlalchemy as sa
from alembic import op

from app.backends.columns import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attachments",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("room_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("filename", sa.String(length=120), nullable=False),
        sa.Column("mime", sa.String(length=100), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("alt", sa.String(length=500), nullable=False),
        sa.Column("incoming_key", sa.String(length=64), nullable=False),
        sa.Column("file_key", sa.String(length=64), nullable=False),
        sa.Column("thumbnail_key", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("checksum", sa.String(length=120), nullable=True),
        sa.Column("message_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("chat_seq", sa.BigInteger(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("completed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_attachments_room_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_attachments_user_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
    )
    op.create_index("ix_attachments_room_id", "attachments", ["room_id"])
    op.create_index("ix_attachments_user_id", "attachments", ["user_id"])
    unused = sa.text("message_id IS NULL")
    op.create_index(
        "ix_attachments_unused", "attachments", ["created_at"], postgresql_where=unused, sqlite_where=unused
    )
    op.create_table(
        "discarded_files",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_discarded_files"),
    )
    op.create_index("ix_discarded_files_due_at", "discarded_files", ["due_at"])


def downgrade() -> None:
    op.drop_table("discarded_files")
    op.drop_table("attachments")
