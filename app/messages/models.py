"""Messages, and what people did with them: votes, how far they have read, what they were told.

Rules: a message's `seq` is its creation and never moves; `change_seq` moves at every change. Both come from
`room_heads.chat_seq` under its row lock, so within a room they are unique and in commit order. Deleting keeps the row and its
place, and empties its text. Whoever changes a message takes the room's head first, then the row.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.backends.columns import BigInt, Id, PrimaryId, When
from app.extensions import Base

CLIENT_TYPES = ("text", "question", "stage")
NotificationKind = Literal["mention", "invite", "direct"]
QUESTION_STATES = ("approved", "open", "answered")
CONTENT_MAX = 4000
CLIENT_MESSAGE_ID_MAX = 64


_QUESTIONS = text("message_type = 'question'")


def _index_where(name: str, *columns: str, is_unique: bool = False) -> Index:
    """An index of the rows whose last two columns are there, so that the others pay nothing for it."""
    where = text(" AND ".join(f"{column} IS NOT NULL" for column in columns[-2:] if column != "room_id"))
    return Index(name, *columns, unique=is_unique, postgresql_where=where, sqlite_where=where)


class Message(Base):
    """One line of a conversation, by an account, a guest, or (neither) the server.

    question_state: what hosts made of a question, one of `QUESTION_STATES`; None is `open`.
    author_name: the author's name when it was written; shown once the account or guest is gone.
    """

    __tablename__ = "messages"

    id: Mapped[PrimaryId]
    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"))
    seq: Mapped[BigInt]
    change_seq: Mapped[BigInt]
    user_id: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    guest_id: Mapped[Id | None] = mapped_column(ForeignKey("guests.id", ondelete="SET NULL"))
    author_name: Mapped[str] = mapped_column(String(80))
    content: Mapped[str] = mapped_column(Text)
    message_type: Mapped[str] = mapped_column(String(10))
    client_message_id: Mapped[str | None] = mapped_column(String(CLIENT_MESSAGE_ID_MAX))
    attachment_id: Mapped[Id | None]
    reply_to: Mapped[Id | None]
    votes: Mapped[int] = mapped_column(default=0)
    question_state: Mapped[str | None] = mapped_column(String(10))
    created_at: Mapped[When]
    edited_at: Mapped[When | None]
    deleted_at: Mapped[When | None]

    __table_args__ = (
        UniqueConstraint("room_id", "seq"),
        CheckConstraint("user_id IS NULL OR guest_id IS NULL", name="one_author"),
        Index("ix_messages_page", "room_id", "created_at", "id"),  # read backwards
        Index("ix_messages_changes", "room_id", "change_seq"),
        Index("ix_messages_questions", "room_id", "seq", postgresql_where=_QUESTIONS, sqlite_where=_QUESTIONS),
        _index_where("ix_messages_sent_by_user", "room_id", "user_id", "client_message_id", is_unique=True),
        _index_where("ix_messages_sent_by_guest", "room_id", "guest_id", "client_message_id", is_unique=True),
        _index_where("ix_messages_guest_id", "guest_id"),  # for purging guests with their room
    )


class Vote(Base):
    """A person wants a question answered; `person_id` is an account's or a guest's id."""

    __tablename__ = "message_votes"
    __table_args__ = (
        Index("ix_message_votes_person_id_created_at_message_id", "person_id", "created_at", "message_id"),
    )

    message_id: Mapped[Id] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[PrimaryId]
    created_at: Mapped[When]


class ReadCursor(Base):
    """How far a person has read in a room: one row, moved forward only, whatever the number of messages."""

    __tablename__ = "read_cursors"

    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[PrimaryId]
    seq: Mapped[BigInt]
    read_at: Mapped[When]


class Notification(Base):
    """Something meant for one account: it was mentioned, invited, or written to directly."""

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint("kind IN ('mention', 'invite', 'direct')", name="kind"),
        Index("ix_notifications_user_id_id", "user_id", "id"),
    )

    id: Mapped[PrimaryId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[Id | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    from_id: Mapped[Id | None]
    from_name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[When]
