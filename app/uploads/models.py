"""Files, on their way and kept.

Rules: a row is made when somebody asks to send a file, with all the keys that its bytes may ever lie under, so that whatever a
crash leaves behind is known. It is completed once, and goes with one message at most. Deleting a row writes its keys down as
discarded in the same transaction; the sweeper removes the files and then the keys, as often as it takes.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.backends.columns import BigInt, Id, PrimaryId, When
from app.extensions import Base

FILENAME_MAX = 120
MIME_MAX = 100
ALT_MAX = 500
KEY_MAX = 64


class Attachment(Base):
    """A file of a room. `bytes`: as announced, once completed as it is kept. `chat_seq`: the number of its message."""

    __tablename__ = "attachments"

    id: Mapped[PrimaryId]
    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    filename: Mapped[str] = mapped_column(String(FILENAME_MAX))
    mime: Mapped[str] = mapped_column(String(MIME_MAX))
    bytes: Mapped[BigInt]
    alt: Mapped[str] = mapped_column(String(ALT_MAX))
    incoming_key: Mapped[str] = mapped_column(String(KEY_MAX))
    file_key: Mapped[str] = mapped_column(String(KEY_MAX))
    thumbnail_key: Mapped[str] = mapped_column(String(KEY_MAX))
    width: Mapped[int | None]
    height: Mapped[int | None]
    checksum: Mapped[str | None] = mapped_column(String(120))
    message_id: Mapped[Id | None]
    chat_seq: Mapped[BigInt | None]
    created_at: Mapped[When]
    expires_at: Mapped[When]
    completed_at: Mapped[When | None]

    __table_args__ = (
        Index(
            "ix_attachments_unused",
            "created_at",
            postgresql_where=text("message_id IS NULL"),
            sqlite_where=text("message_id IS NULL"),
        ),
    )

    @property
    def is_picture(self) -> bool:
        """Whether it was measured, and has a thumbnail."""
        return self.width is not None


class DiscardedFile(Base):
    """A key whose file nobody needs; removed once `due_at` has come, when no ticket can bring it back."""

    __tablename__ = "discarded_files"

    key: Mapped[str] = mapped_column(String(KEY_MAX), primary_key=True)
    due_at: Mapped[When] = mapped_column(index=True)
