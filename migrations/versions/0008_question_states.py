"""What hosts have made of a question, and a room's questions without reading its conversation."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME = "ix_messages_questions"
COLUMNS = ["room_id", "seq"]
QUESTIONS = sa.text("message_type = 'question'")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE messages ADD COLUMN IF NOT EXISTS question_state VARCHAR(10)")  # a retry finds it there
        with op.get_context().autocommit_block():  # people may write meanwhile
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")  # what an interrupted attempt may have left
            op.create_index(NAME, "messages", COLUMNS, postgresql_where=QUESTIONS, postgresql_concurrently=True)
    else:
        op.add_column("messages", sa.Column("question_state", sa.String(length=10), nullable=True))
        op.create_index(NAME, "messages", COLUMNS, sqlite_where=QUESTIONS)


def downgrade() -> None:
    op.drop_index(NAME, "messages")
    op.drop_column("messages", "question_state")
