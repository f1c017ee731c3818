"""Rooms, their people, their streams."""

import sqlalchemy as sa
from alembic import op

from app.backends.columns import Instant, JsonValue

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rooms",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=True),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("owner_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("share_token", sa.String(length=64), nullable=False),
        sa.Column("direct_key", sa.String(length=80), nullable=True),
        sa.Column("settings", JsonValue, nullable=False),
        sa.Column("stage", JsonValue, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("deleted_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_rooms_owner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rooms"),
        sa.UniqueConstraint("direct_key", name="uq_rooms_direct_key"),
    )
    op.create_index(
        "ix_rooms_listed",
        "rooms",
        ["created_at", "id"],
        postgresql_where=sa.text("deleted_at IS NULL AND NOT is_private"),
    )
    op.create_index("ix_rooms_owner_id", "rooms", ["owner_id"])
    op.create_index(
        "uq_rooms_share_token",
        "rooms",
        ["share_token"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
        sqlite_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "guests",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("room_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("name_key", sa.String(length=120), nullable=False),
        sa.Column("muted_until", Instant(), nullable=True),
        sa.Column("joined_chat_seq", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_guests_room_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_guests"),
    )
    op.create_index("ix_guests_room_id", "guests", ["room_id"])
    op.create_index(
        "uq_guests_name",
        "guests",
        ["room_id", "name_key"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
        sqlite_where=sa.text("removed_at IS NULL"),
    )

    op.create_table(
        "links",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("room_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_links_room_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
        sa.UniqueConstraint("token", name="uq_links_token"),
    )
    op.create_index("ix_links_room_id", "links", ["room_id"])

    op.create_table(
        "memberships",
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("room_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("muted_until", Instant(), nullable=True),
        sa.Column("joined_chat_seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'member', 'host', 'owner', 'left')", name="ck_memberships_role"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_memberships_room_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memberships_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "room_id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_room_id", "memberships", ["room_id"])
    op.create_index(
        "uq_memberships_owner",
        "memberships",
        ["room_id"],
        unique=True,
        postgresql_where=sa.text("role = 'owner'"),
        sqlite_where=sa.text("role = 'owner'"),
    )

    op.create_table(
        "room_events",
        sa.Column("room_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.Column("payload", JsonValue, nullable=False),
        sa.Column("before", JsonValue, nullable=True),
        sa.Column("actor_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_room_events_room_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room_id", "seq", name="pk_room_events"),
    )
    op.create_index("ix_room_events_created_at", "room_events", ["created_at"])

    op.create_table(
        "room_heads",
        sa.Column("room_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("epoch", sa.String(length=22), nullable=False),
        sa.Column("room_seq", sa.BigInteger(), nullable=False),
        sa.Column("chat_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_room_heads_room_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room_id", name="pk_room_heads"),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "bans",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("room_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("guest_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("created_by", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("(user_id IS NULL) <> (guest_id IS NULL)", name="ck_bans_one_person"),
        sa.ForeignKeyConstraint(["guest_id"], ["guests.id"], name="fk_bans_guest_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_bans_room_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_bans_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_bans"),
        sa.UniqueConstraint("room_id", "guest_id", name="uq_bans_room_id_guest_id"),
        sa.UniqueConstraint("room_id", "user_id", name="uq_bans_room_id_user_id"),
    )


def downgrade() -> None:
    for table in ("bans", "room_heads", "room_events", "memberships", "links", "guests", "rooms"):
        op.drop_table(table)
