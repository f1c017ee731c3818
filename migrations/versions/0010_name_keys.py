"""What an account's name has in common with those that look like it, so that no guest passes for a member."""

import sqlalchemy as sa
from alembic import op

from app.core.spelling import name_key

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = "ix_users_name_key"
AT_ONCE = 1_000
users = sa.table("users", sa.column("id", sa.Uuid(as_uuid=False)), sa.column("name"), sa.column("name_key"))


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE users ADD COLUMN IF NOT EXISTS name_key VARCHAR(120)")  # a retry finds it there
        with op.get_context().autocommit_block():  # people may sign in meanwhile
            fill()
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")  # what an interrupted attempt may have left
            op.create_index(NAME, "users", ["name_key"], postgresql_concurrently=True)
    else:
        op.add_column("users", sa.Column("name_key", sa.String(length=120), nullable=True))
        fill()
        op.create_index(NAME, "users", ["name_key"])


def fill() -> None:
    """Give each account its key, some at once."""
    connection = op.get_bind()
    without = sa.select(users.c.id, users.c.name).where(users.c.name_key.is_(None)).limit(AT_ONCE)
    change = sa.update(users).where(users.c.id == sa.bindparam("of")).values(name_key=sa.bindparam("key"))
    while some := connection.execute(without).all():
        connection.execute(change, [{"of": ident, "key": name_key(name)} for ident, name in some])


def downgrade() -> None:
    op.drop_index(NAME, "users")
    op.drop_column("users", "name_key")
