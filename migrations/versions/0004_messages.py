"""The conversation, and its full-text index: made by hand, because no model can say it for both databases."""

import sqlalchemy as sa
from alembic import op

from app.backends.columns import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SENT_BY_USER = "user_id IS NOT NULL AND client_message_id IS NOT NULL"
SENT_BY_GUEST = "guest_id IS NOT NULL AND client_message_id IS NOT NULL"

# The room is a lexeme of its own, which no word is, so that the index alone finds a word in a room. Punctuation is
# blanked, because the parser would keep addresses and file names whole, where SQLite's finds their words.
POSTGRES_SEARCH = (
    r"""ALTER TABLE messages ADD COLUMN search_document tsvector GENERATED ALWAYS AS
       (array_to_tsvector(ARRAY[':' || room_id::text]) || to_tsvector('simple'::regconfig,
         regexp_replace(content, '[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]+', ' ', 'g'))) STORED""",
    "CREATE INDEX ix_messages_search ON messages USING gin (search_document)",
)
# The index keeps no text of its own. Its row numbers are kept beside it: VACUUM may renumber those of `messages`.
SQLITE_SEARCH = (
    "CREATE TABLE messages_search_keys (id INTEGER PRIMARY KEY, message_id CHAR(32) NOT NULL UNIQUE)",
    """CREATE VIRTUAL TABLE messages_search
       USING fts5(room, content, content='', tokenize="unicode61 remove_diacritics 0")""",
    """CREATE TRIGGER messages_search_insert AFTER INSERT ON messages BEGIN
         INSERT INTO messages_search_keys (message_id) VALUES (new.id);
         INSERT INTO messages_search (rowid, room, content)
           SELECT id, new.room_id, new.content FROM messages_search_keys WHERE message_id = new.id;
       END""",
    """CREATE TRIGGER messages_search_update AFTER UPDATE OF content ON messages BEGIN
         INSERT INTO messages_search (messages_search, rowid, room, content)
           SELECT 'delete', id, old.room_id, old.content FROM messages_search_keys WHERE message_id = old.id;
         INSERT INTO messages_search (rowid, room, content)
           SELECT id, new.room_id, new.content FROM messages_search_keys WHERE message_id = new.id;
       END""",
    """CREATE TRIGGER messages_search_delete AFTER DELETE ON messages BEGIN
         INSERT INTO messages_search (messages_search, rowid, room, content)
           SELECT 'delete', id, old.room_id, old.content FROM messages_search_keys WHERE message_id = old.id;
         DELETE FROM messages_search_keys WHERE message_id = old.id;
       END""",
)


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("room_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("change_seq", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("guest_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("author_name", sa.String(length=80), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("message_type", sa.String(length=10), nullable=False),
        sa.Column("client_message_id", sa.String(length=64), nullable=True),
        sa.Column("attachment_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("reply_to", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("edited_at", Instant(), nullable=True),
        sa.Column("deleted_at", Instant(), nullable=True),
        sa.CheckConstraint("user_id IS NULL OR guest_id IS NULL", name="ck_messages_one_author"),
        sa.ForeignKeyConstraint(["guest_id"], ["guests.id"], name="fk_messages_guest_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_messages_room_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_messages_user_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("room_id", "seq", name="uq_messages_room_id_seq"),
    )
    op.create_index("ix_messages_page", "messages", ["room_id", "created_at", "id"])
    op.create_index("ix_messages_changes", "messages", ["room_id", "change_seq"])
    for name, columns, is_unique, condition in (
        ("ix_messages_sent_by_user", ["room_id", "user_id", "client_message_id"], True, SENT_BY_USER),
        ("ix_messages_sent_by_guest", ["room_id", "guest_id", "client_message_id"], True, SENT_BY_GUEST),
        ("ix_messages_guest_id", ["guest_id"], False, "guest_id IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, "messages", columns, unique=is_unique, postgresql_where=where, sqlite_where=where)
    op.create_table(
        "message_votes",
        sa.Column("message_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("person_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name="fk_message_votes_message_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", "person_id", name="pk_message_votes"),
    )
    op.create_table(
        "read_cursors",
        sa.Column("room_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("person_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("read_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_read_cursors_room_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room_id", "person_id", name="pk_read_cursors"),
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("room_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("message_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("from_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("from_name", sa.String(length=80), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("kind IN ('mention', 'invite', 'direct')", name="ck_notifications_kind"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name="fk_notifications_message_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_notifications_room_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notifications_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
    )
    op.create_index("ix_notifications_user_id_id", "notifications", ["user_id", "id"])
    op.create_index("ix_notifications_room_id", "notifications", ["room_id"])
    op.create_index("ix_notifications_message_id", "notifications", ["message_id"])
    for statement in POSTGRES_SEARCH if op.get_bind().dialect.name == "postgresql" else SQLITE_SEARCH:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in ("messages_search", "messages_search_keys"):
            op.drop_table(table)
    for table in ("notifications", "read_cursors", "message_votes", "messages"):
        op.drop_table(table)
