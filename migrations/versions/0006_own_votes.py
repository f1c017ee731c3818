"""A person's votes, the newest first: what a page asks for when it is opened."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NAME = "ix_message_votes_person_id_created_at_message_id"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        with op.get_context().autocommit_block():  # people may vote meanwhile
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")  # what an interrupted attempt may have left
            op.create_index(
                NAME, "message_votes", ["person_id", "created_at", "message_id"], postgresql_concurrently=True
            )
    else:
        op.create_index(NAME, "message_votes", ["person_id", "created_at", "message_id"])


def downgrade() -> None:
    op.drop_index(NAME, "message_votes")
