"""Rooms, the people in them, and the heads and log of their streams.

Rule: `room_heads` is raised in the transaction that writes what the number stands for; the row lock makes commit order equal
sequence order, which a database sequence does not.
"""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.backends.columns import BigInt, Id, JsonValue, PrimaryId, When
from app.core.spelling import name_key
from app.extensions import Base

CHAT_MODES = ("open", "members", "hosts", "closed")
HISTORY_MODES = ("all", "sinceJoin", "none")
DEFAULT_SETTINGS: dict[str, Any] = {
    "guests": True,
    "chatMode": "open",
    "slowModeMs": 0,
    "history": "all",
    "receipts": True,
    "uploads": True,
    "systemMessages": True,
    "oneTimerAtATime": False,
    "embeddable": False,
}
STAGE_STYLES = ("normal", "warning", "urgent")
EMPTY_STAGE: dict[str, Any] = {"text": "", "style": None, "visible": False, "blackout": False}


class Role(enum.IntEnum):
    """What somebody may in a room; each role may all that the lower ones may."""

    VIEWER = 10
    GUEST = 20
    MEMBER = 30
    HOST = 40
    OWNER = 50

    @property
    def wire(self) -> str:
        """As on the wire: `host`."""
        return self.name.lower()


class Room(Base):
    """A room. `deleted_at`: gone for clients at once, purged later. `direct_key`: the two people of a direct room."""

    __tablename__ = "rooms"

    id: Mapped[PrimaryId]
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str | None] = mapped_column(String(2000))
    is_private: Mapped[bool] = mapped_column(default=False)
    owner_id: Mapped[Id] = mapped_column(ForeignKey("users.id"), index=True)
    share_token: Mapped[str] = mapped_column(String(64))
    direct_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    settings: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    stage: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    created_at: Mapped[When]
    updated_at: Mapped[When]
    deleted_at: Mapped[When | None]

    __table_args__ = (
        # Partial, so that PostgreSQL takes it for no key: rotating must not wait for who inserts rows of the room, who may
        # be waiting for the head that rotating holds.
        Index(
            "uq_rooms_share_token",
            "share_token",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
            sqlite_where=text("deleted_at IS NULL"),
        ),
        Index("ix_rooms_listed", "created_at", "id", postgresql_where=text("deleted_at IS NULL AND NOT is_private")),
    )

    def setting(self, name: str) -> Any:
        """The room's value for a setting of `DEFAULT_SETTINGS`, or the default."""
        return self.settings.get(name, DEFAULT_SETTINGS[name])

    @property
    def all_settings(self) -> dict[str, Any]:
        """Every setting, those that were never changed at their defaults."""
        return {**DEFAULT_SETTINGS, **self.settings}


class RoomHead(Base):
    """The newest number of each stream. Narrow and half empty, because it is rewritten at every write."""

    __tablename__ = "room_heads"
    __table_args__ = {"postgresql_with": {"fillfactor": "50"}}

    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(22))
    room_seq: Mapped[BigInt] = mapped_column(default=0)
    chat_seq: Mapped[BigInt] = mapped_column(default=0)


class RoomEvent(Base):
    """One numbered change of a room, its stage or its timers, kept 24 h: for replay, undo and the report."""

    __tablename__ = "room_events"
    __table_args__ = (Index("ix_room_events_created_at", "created_at"),)

    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[BigInt] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(40))
    cause: Mapped[str | None] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    before: Mapped[dict[str, Any] | None] = mapped_column(JsonValue)
    actor_id: Mapped[Id | None]
    created_at: Mapped[When]


class AuditEntry(Base):
    """What somebody did who runs a room. `id` orders; `actor_name` is as it was then, `seq` the event's, if it was numbered.

    No key to the actor: an entry outlives guests and memberships.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_room_id_id", "room_id", "id"),
        Index("ix_audit_entries_at", "at"),
    )

    id: Mapped[PrimaryId]
    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"))
    seq: Mapped[BigInt | None]
    at: Mapped[When]
    actor_id: Mapped[Id]
    actor_name: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(40))
    event: Mapped[str] = mapped_column(String(40))
    subject_kind: Mapped[str | None] = mapped_column(String(10))
    subject_id: Mapped[Id | None]
    details: Mapped[dict[str, Any]] = mapped_column(JsonValue)


class Membership(Base):
    """An account in a room. `joined_chat_seq` is where `history: sinceJoin` begins; it survives leaving and coming back.

    `viewer` is who came by a viewer's link: it opens a private room, as its share token does. A direct room has no owner
    here, so that neither of its two can change it, end it or let in a third.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'member', 'host', 'owner', 'left')", name="role"),
        Index(
            "uq_memberships_owner",
            "room_id",
            unique=True,
            postgresql_where=text("role = 'owner'"),
            sqlite_where=text("role = 'owner'"),
        ),
    )

    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(10))
    muted_until: Mapped[When | None]
    joined_chat_seq: Mapped[BigInt] = mapped_column(default=0)
    created_at: Mapped[When]
    updated_at: Mapped[When]


class Guest(Base):
    """A nickname in one room, without an account. Of the guests that are there, no two have the same name."""

    __tablename__ = "guests"
    __table_args__ = (
        Index(
            "uq_guests_name",
            "room_id",
            "name_key",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
            sqlite_where=text("removed_at IS NULL"),
        ),
    )

    id: Mapped[PrimaryId]
    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    name_key: Mapped[str] = mapped_column(
        String(120), default=lambda context: name_key(context.get_current_parameters()["name"])
    )
    muted_until: Mapped[When | None]
    joined_chat_seq: Mapped[BigInt] = mapped_column(default=0)
    removed_at: Mapped[When | None]
    created_at: Mapped[When]


class Ban(Base):
    """Somebody who may not come back."""

    __tablename__ = "bans"
    __table_args__ = (
        UniqueConstraint("room_id", "user_id"),
        UniqueConstraint("room_id", "guest_id"),
        CheckConstraint("(user_id IS NULL) <> (guest_id IS NULL)", name="one_person"),
    )

    id: Mapped[PrimaryId]
    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"))
    user_id: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    guest_id: Mapped[Id | None] = mapped_column(ForeignKey("guests.id", ondelete="CASCADE"))
    reason: Mapped[str | None] = mapped_column(String(500))
    created_by: Mapped[Id | None]
    created_at: Mapped[When]


class Link(Base):
    """An invitation that gives a role; it ends by its date, by its number of uses, or by being deleted."""

    __tablename__ = "links"

    id: Mapped[PrimaryId]
    room_id: Mapped[Id] = mapped_column(ForeignKey("rooms.id", ondelete="CASCADE"), index=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(10))
    label: Mapped[str | None] = mapped_column(String(120))
    expires_at: Mapped[When | None]
    max_uses: Mapped[int | None]
    uses: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[When]
