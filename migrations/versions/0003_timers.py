"""Timers."""

import sqlalchemy as sa
from alembic import op

from app.backends.columns import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "timers",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("room_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("paused_left_ms", sa.BigInteger(), nullable=True),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.Column("warn_ms", sa.BigInteger(), nullable=False),
        sa.Column("danger_ms", sa.BigInteger(), nullable=False),
        sa.Column("on_finish", sa.String(length=10), nullable=False),
        sa.Column("starts_at", Instant(), nullable=True),
        sa.Column("wakes_at", Instant(), nullable=True),
        sa.Column("planned_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.CheckConstraint("state IN ('idle', 'running', 'paused', 'finished')", name="ck_timers_state"),
        sa.CheckConstraint("(state = 'running') = (ends_at IS NOT NULL)", name="ck_timers_running_ends"),
        sa.CheckConstraint("(state = 'paused') = (paused_left_ms IS NOT NULL)", name="ck_timers_paused_keeps"),
        sa.CheckConstraint("(state = 'finished') = (finished_at IS NOT NULL)", name="ck_timers_finished_ended"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_timers_room_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_timers"),
    )
    is_running = sa.text("state = 'running'")
    is_waiting = sa.text("state = 'idle' AND wakes_at IS NOT NULL")
    op.create_index("ix_timers_room_id_position", "timers", ["room_id", "position"])
    op.create_index("ix_timers_ends_at", "timers", ["ends_at"], postgresql_where=is_running, sqlite_where=is_running)
    op.create_index("ix_timers_wakes_at", "timers", ["wakes_at"], postgresql_where=is_waiting, sqlite_where=is_waiting)


def downgrade() -> None:
    op.drop_table("timers")
